import type { Artifact } from '../evidence/artifact.ts';
import type { FeatureSchema } from '../evidence/feature-schema.ts';
import type { RuntimeEnvironment } from '../evidence/runtime-environment.ts';
import { compatibilityOf, fieldChanges } from '../evidence/schema-compatibility.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import type { LifecycleStage } from '../registry/lifecycle.ts';
import {
  type DeploymentBelief,
  type DeploymentRole,
  stagesThatMayServe,
} from '../serving/timeline.ts';
import { listed } from './finding.ts';
import { labelsOf, type ReplaySummary, scoreShift } from './replay-summary.ts';
import { changeText } from './schema-difference.ts';
import type { SentSchema } from './sent-features.ts';

export type RollbackVerdict = 'SAFE' | 'NEEDS_REVIEW' | 'BLOCKED';

/** What a rollback check looks at, in this order. */
export const CHECK_CODES = [
  'STAGE_ALLOWS_SERVING',
  'FEATURE_SCHEMA_COMPATIBLE',
  'ENVIRONMENT_COMPATIBLE',
  'ARTIFACTS_AVAILABLE',
  'INTEGRITY',
  'SERVED_BEFORE',
  'DRY_RUN',
] as const;

export type CheckCode = (typeof CHECK_CODES)[number];

export interface RollbackCheckItem {
  readonly code: CheckCode;
  readonly verdict: RollbackVerdict;
  readonly message: string;
}

const RANK = { SAFE: 0, NEEDS_REVIEW: 1, BLOCKED: 2 } as const;

export const worstOf = (verdicts: readonly RollbackVerdict[]): RollbackVerdict =>
  verdicts.reduce((worst, one) => (RANK[one] > RANK[worst] ? one : worst), 'SAFE');

const item = (code: CheckCode, verdict: RollbackVerdict, message: string): RollbackCheckItem => ({
  code,
  verdict,
  message,
});

/** Whether the version's stage allows it to serve in a role. */
export const checkStage = (
  release: string,
  stage: LifecycleStage | null,
  role: DeploymentRole,
): RollbackCheckItem => {
  const allowed = stagesThatMayServe(role);
  const state = stage === null ? 'not registered yet' : `in stage ${stage}`;
  const may = stage !== null && allowed.includes(stage);
  return item(
    'STAGE_ALLOWS_SERVING',
    may ? 'SAFE' : 'BLOCKED',
    may
      ? `${release} is ${state}, which allows it to serve as ${role}.`
      : `${release} is ${state}; to serve as ${role} needs ${allowed.join(' or ')}.`,
  );
};

const named = ({ name, semver }: FeatureSchema): string => `${name} ${semver}`;

const sentVerdict = ({ schema }: SentSchema, expected: FeatureSchema): RollbackVerdict => {
  if (compatibilityOf(schema, expected) === 'INCOMPATIBLE') return 'BLOCKED';
  const isTelling = fieldChanges(schema, expected).some(({ severity }) => severity !== 'INFO');
  return isTelling ? 'NEEDS_REVIEW' : 'SAFE';
};

const sentText = (sent: SentSchema, expected: FeatureSchema): string => {
  const changes = fieldChanges(sent.schema, expected).filter(({ severity }) => severity !== 'INFO');
  const differs =
    changes.length === 0 ? '' : `, which differs in ${listed(changes.map(changeText))}`;
  return `${sent.count} of the last predictions were built with ${named(sent.schema)} (last at ${formatInstant(sent.lastAt)})${differs}.`;
};

/**
 * Whether what the pipeline sends now satisfies what the target expects. A pipeline that sends several schemas may send the
 * right one to the target: then somebody has to look.
 */
export const checkFeatures = (
  release: string,
  expected: FeatureSchema,
  sent: readonly SentSchema[],
): RollbackCheckItem => {
  const expects = `${release} expects ${named(expected)}.`;
  if (sent.length === 0) {
    const nothing = 'The log shows no prediction of this endpoint, so what it sends is unknown.';
    return item('FEATURE_SCHEMA_COMPATIBLE', 'NEEDS_REVIEW', `${expects} ${nothing}`);
  }
  const verdicts = sent.map((one) => sentVerdict(one, expected));
  const worst = worstOf(verdicts);
  const isMixed = worst === 'BLOCKED' && verdicts.some((verdict) => verdict !== 'BLOCKED');
  return item(
    'FEATURE_SCHEMA_COMPATIBLE',
    isMixed ? 'NEEDS_REVIEW' : worst,
    `${expects} ${sent.map((one) => sentText(one, expected)).join(' ')}`,
  );
};

const SETTINGS = ['platform', 'accelerator', 'runtime', 'threads'] as const;

/** Whether the target runs in what the endpoint runs now. */
export const checkEnvironment = (
  target: RuntimeEnvironment,
  serving: readonly RuntimeEnvironment[],
): RollbackCheckItem => {
  if (serving.length === 0) {
    const message = 'Nothing serves the endpoint, so there is no environment to compare with.';
    return item('ENVIRONMENT_COMPATIBLE', 'NEEDS_REVIEW', message);
  }
  if (serving.some(({ digest }) => digest === target.digest)) {
    return item('ENVIRONMENT_COMPATIBLE', 'SAFE', 'It runs in the environment that serves now.');
  }
  const [now] = serving;
  const changed = SETTINGS.filter((name) => now?.[name] !== target[name]);
  const packages = new Set(now?.packages.map(({ purl }) => purl));
  const others = target.packages.filter(({ purl }) => !packages.has(purl));
  const changes = [
    ...changed.map((name) => `${name} ${now?.[name] ?? 'none'} → ${target[name] ?? 'none'}`),
    ...others.map(({ purl }) => purl),
  ];
  return item(
    'ENVIRONMENT_COMPATIBLE',
    changes.length === 0 ? 'SAFE' : 'NEEDS_REVIEW',
    changes.length === 0
      ? 'It needs nothing that the environment that serves now lacks.'
      : `It needs another environment: ${listed(changes)}.`,
  );
};

/** Whether the target's files are recorded, and where they could be looked at, there and unaltered. */
export const checkArtifacts = (
  artifacts: readonly Artifact[],
  missing: readonly string[],
): RollbackCheckItem => {
  if (artifacts.length === 0) {
    const message = 'The version was registered without stored files.';
    return item('ARTIFACTS_AVAILABLE', 'NEEDS_REVIEW', message);
  }
  return missing.length === 0
    ? item('ARTIFACTS_AVAILABLE', 'SAFE', 'Its files are in the store, and their digests verify.')
    : item(
        'ARTIFACTS_AVAILABLE',
        'NEEDS_REVIEW',
        `Not found in the store, or altered: ${listed(missing)}.`,
      );
};

export const checkIntact = (release: string, isIntact: boolean): RollbackCheckItem =>
  isIntact
    ? item(
        'INTEGRITY',
        'SAFE',
        `Everything on record of ${release} gives the digests it was recorded under.`,
      )
    : item(
        'INTEGRITY',
        'BLOCKED',
        `What is on record of ${release} was altered: see its integrity report.`,
      );

/** Beyond these, a person should look: share of labels that flip, and share of right ones that is lost. */
const MANY_FLIPS = 0.05;
const MUCH_LOST = 0.02;

const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`;

/** What the last predictions would have been answered. */
export const checkDryRun = (run: ReplaySummary): RollbackCheckItem => {
  const shift = scoreShift(run);
  const left = run.obstacles.map(({ reason, count }) => `${count} ${reason}`).join(', ');
  const without = left === '' ? '' : ` Not run: ${left}.`;
  if (shift === null) {
    const message = `None of the last ${run.attempted} predictions could be run through it.${without}`;
    return item('DRY_RUN', 'NEEDS_REVIEW', message);
  }
  const answered = run.answers.length;
  const scores = `Of the last ${run.attempted} predictions ${answered} were run through it: the score moves by ${shift.mean.toPrecision(3)} on average, ${shift.largest.toPrecision(3)} at most.`;
  if (run.decision === null) {
    const message = `${scores} Give \`decision\` to see which labels flip.${without}`;
    return item('DRY_RUN', shift.largest === 0 ? 'SAFE' : 'NEEDS_REVIEW', message);
  }
  const { flips, known, rightBefore, rightAfter } = labelsOf(run, run.decision);
  const lost = known === 0 ? 0 : (rightBefore - rightAfter) / known;
  const accuracy =
    known === 0
      ? ' No outcome is known.'
      : ` Of ${known} with a known outcome ${percent(rightBefore / known)} were right, ${percent(rightAfter / known)} would be.`;
  const isCalm = flips.length / answered <= MANY_FLIPS && lost <= MUCH_LOST && left === '';
  const labels = ` ${flips.length} labels flip (${percent(flips.length / answered)}).`;
  return item(
    'DRY_RUN',
    isCalm ? 'SAFE' : 'NEEDS_REVIEW',
    `${scores}${labels}${accuracy}${without}`,
  );
};

/** Whether the target served the endpoint before. */
export const checkServed = (
  release: string,
  earlier: readonly DeploymentBelief[],
  now: Instant,
): RollbackCheckItem => {
  const last = earlier.reduce<Instant | null>(
    (latest, { endedAt }) => Math.max(latest ?? 0, endedAt ?? now),
    null,
  );
  return last === null
    ? item('SERVED_BEFORE', 'NEEDS_REVIEW', `${release} never served this endpoint.`)
    : item(
        'SERVED_BEFORE',
        'SAFE',
        `${release} served this endpoint until ${formatInstant(last)}.`,
      );
};
