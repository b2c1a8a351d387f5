import type { styleText } from 'node:util';
import type { FeatureAnswer, Step, TraceAnswer } from './trace-answer.ts';

type Style = Parameters<typeof styleText>[0];

/** Paints text for a terminal, or leaves it alone. */
export type Paint = (style: Style, text: string) => string;

const WIDTH = 100;
const LABEL = 14;

const SEVERITY_STYLE: Readonly<Record<string, Style>> = {
  ERROR: ['bold', 'red'],
  WARNING: ['bold', 'yellow'],
  INFO: ['bold', 'blue'],
};

const VERDICT_STYLE: Readonly<Record<string, Style>> = {
  VERIFIED: ['bold', 'green'],
  INCOMPLETE: ['bold', 'yellow'],
  INCONSISTENT: ['bold', 'red'],
};

/** Breaks text at spaces into lines of at most `width` characters, the later ones indented. */
export const wrapped = (text: string, indent: number): string => {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH - indent) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`);
};

const short = (digest: string): string => digest.slice(0, 19);

const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`;

const entry = (label: string, text: string): string =>
  `  ${label.padEnd(LABEL)}${wrapped(text, LABEL + 2)}`;

const parts = (...texts: readonly (string | null | undefined)[]): string =>
  texts.filter((text) => text != null && text !== '').join(' · ');

const release = ({ name, semver }: { readonly name: string; readonly semver: string }): string =>
  `${name} ${semver}`;

/** A trace as an investigator would paste it into an incident channel: at most 100 characters wide. */
export const traceReport = (trace: TraceAnswer, paint: Paint): string => {
  const sections = [
    head(trace, paint),
    findings(trace, paint),
    answered(trace),
    madeOf(trace),
    features(trace, paint),
    gaps(trace),
    [entry('digest', trace.digest), entry('known at', trace.knownAt)].join('\n'),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
};

const head = ({ prediction, verdict }: TraceAnswer, paint: Paint): string => {
  const { requestId, item, endpoint } = prediction;
  const title = `${endpoint.environment}/${endpoint.name}  ${requestId}${item === 0 ? '' : ` item ${item}`}`;
  const verdictText = paint(VERDICT_STYLE[verdict] ?? 'bold', verdict);
  return `${paint('bold', title)}\n${verdictText}`;
};

const findings = ({ findings: found }: TraceAnswer, paint: Paint): string =>
  found
    .map(({ severity, code, message }) => {
      const mark = paint(SEVERITY_STYLE[severity] ?? 'bold', severity.padEnd(8));
      return `  ${mark}${paint('bold', code)}\n          ${wrapped(message, 10)}`;
    })
    .join('\n');

const answered = ({
  prediction,
  deployment,
  modelVersion,
  stageAtPrediction,
}: TraceAnswer): string => {
  const { occurredAt, entityKey, traceId, scoreText, label, latencyMs, outcome, archiveFile } =
    prediction;
  return [
    entry('answered at', parts(occurredAt, latencyMs === null ? null : `in ${latencyMs} ms`)),
    ...(archiveFile === null
      ? []
      : [entry('archived', parts(archiveFile.digest, `in ${archiveFile.location}`))]),
    entry('about', parts(entityKey ?? 'not stated', traceId === null ? null : `trace ${traceId}`)),
    entry('answer', parts(label, scoreText === null ? null : `score ${scoreText}`)),
    entry(
      'outcome',
      outcome === null
        ? 'none recorded'
        : parts(outcome.label, outcome.text, `observed ${outcome.observedAt}`),
    ),
    entry(
      'model',
      parts(
        modelVersion.displayName,
        short(modelVersion.digest),
        stageAtPrediction ?? 'no stage on record',
      ),
    ),
    entry('deployment', deployment === null ? 'none on record' : deployed(deployment)),
    ...(deployment === null || deployment.reason === ''
      ? []
      : [entry('', `“${deployment.reason}” — ${deployment.actor}`)]),
  ].join('\n');
};

const deployed = ({
  role,
  trafficShare,
  startedAt,
  endedAt,
  endReason,
  predecessor,
}: NonNullable<TraceAnswer['deployment']>): string =>
  parts(
    `${role} ${percent(trafficShare)}`,
    `from ${startedAt}${endedAt === null ? '' : ` to ${endedAt}${endReason === null ? '' : ` (${endReason})`}`}`,
    predecessor === null ? null : `replaced ${predecessor.modelVersion.displayName}`,
  );

const madeOf = (trace: TraceAnswer): string => {
  const { commit, featureSchema, modelVersion, datasets, environment, artifacts } = trace;
  const isSame = featureSchema.digest === modelVersion.featureSchema.digest;
  return [
    entry(
      'commit',
      parts(
        `${commit.displayName}${commit.isDirty ? ' (dirty)' : ''}`,
        commit.messageHeadline,
        commit.author,
      ),
    ),
    entry(
      'features',
      isSame
        ? parts(release(featureSchema), short(featureSchema.digest))
        : `built with ${release(featureSchema)}, trained on ${release(modelVersion.featureSchema)}`,
    ),
    ...datasets.map(({ role, snapshot }) =>
      entry(
        role.toLowerCase(),
        parts(
          snapshot.name,
          snapshot.rowCount === null ? null : `${snapshot.rowCount.toLocaleString('en')} rows`,
          snapshot.eventTimeFrom === null
            ? null
            : `${snapshot.eventTimeFrom.slice(0, 10)} to ${(snapshot.eventTimeTo ?? '').slice(0, 10)}`,
          short(snapshot.digest),
        ),
      ),
    ),
    entry(
      'environment',
      parts(
        environment.runtime,
        environment.platform,
        environment.threads === null
          ? null
          : `${environment.threads} thread${environment.threads === 1 ? '' : 's'}`,
        short(environment.digest),
      ),
    ),
    ...artifacts.map(({ role, artifact }) =>
      entry(
        role.toLowerCase(),
        parts(
          artifact.displayName,
          artifact.mediaType,
          `${artifact.sizeBytes.toLocaleString('en')} bytes`,
        ),
      ),
    ),
  ].join('\n');
};

const age = (seconds: number | null): string => {
  if (seconds === null) return '';
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800
    ? `${Math.round(seconds / 3600)} h`
    : `${Math.round(seconds / 86_400)} d`;
};

const standing = ({ baseline }: FeatureAnswer): string => {
  if (baseline === null) return '';
  if (baseline.isUnseen) return 'unseen';
  return baseline.quantile === null ? 'seen' : percent(baseline.quantile);
};

const asText = (step: Step | undefined): string =>
  step === undefined
    ? 'nothing'
    : `${step.function} ${step.version} ${JSON.stringify(step.parameters)}`;

/** The first step in which what was sent differs from what the version was trained on; null when none does. */
export const changedMeaning = ({ definition, expected }: FeatureAnswer): string | null => {
  if (definition === null || expected === null) return null;
  const length = Math.max(definition.transformations.length, expected.transformations.length);
  for (let index = 0; index < length; index += 1) {
    const trained = asText(expected.transformations[index]);
    const sent = asText(definition.transformations[index]);
    if (trained !== sent) return `trained on ${trained}, sent ${sent}`;
  }
  return null;
};

const features = ({ features: values }: TraceAnswer, paint: Paint): string => {
  if (values.length === 0) return '';
  const rows = values.map((value) => ({
    value,
    cells: [value.name, value.text ?? '—', value.status, age(value.ageSeconds), standing(value)],
  }));
  const header = ['feature', 'value', 'status', 'age', 'training'];
  const widths = header.map((title, column) =>
    Math.min(36, Math.max(title.length, ...rows.map(({ cells }) => (cells[column] ?? '').length))),
  );
  const line = (cells: readonly string[]): string =>
    `  ${cells.map((cell, column) => (column === 1 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join('  ')}`.trimEnd();
  const body = rows.flatMap(({ value, cells }) => {
    const changed = changedMeaning(value);
    return changed === null
      ? [line(cells)]
      : [paint('red', line(cells)), `    ${paint('red', '↳')} ${wrapped(changed, 6)}`];
  });
  return [paint('bold', line(header)), ...body].join('\n');
};

const gaps = ({ gaps: absent }: TraceAnswer): string =>
  absent
    .map(({ subject, reason, message }) => entry('absent', `${subject} (${reason}): ${message}`))
    .join('\n');
