import type { FeatureFieldDefinition } from '../evidence/feature-field.ts';
import type { FeatureSchema } from '../evidence/feature-schema.ts';
import { type FieldChange, fieldChanges } from '../evidence/schema-compatibility.ts';
import { formatInstant } from '../platform/instant.ts';
import { remembered } from '../platform/remembered.ts';
import type { FeatureReading } from '../prediction/feature-decode.ts';
import { isStale } from '../prediction/feature-status.ts';
import { type Finding, listed } from './finding.ts';
import { changeText } from './schema-difference.ts';
import type { TraceEvidence } from './trace-evidence.ts';

const releaseOf = ({ name, semver }: FeatureSchema): string => `${name} ${semver}`;

/** What the features that the model received say, held against the schema that its version was trained on. */
export const featureFindings = (evidence: TraceEvidence): readonly Finding[] => [
  ...schemaMismatch(evidence),
  ...missing(evidence),
  ...mistyped(evidence),
  ...undeclared(evidence),
  ...stale(evidence),
];

const subjectOf = (schema: FeatureSchema) => ({ type: 'FeatureSchema', key: schema.digest });

const schemaMismatch = ({ builtWith, expected, release }: TraceEvidence): readonly Finding[] => {
  if (builtWith.digest === expected.digest) return [];
  return [
    {
      code: 'FEATURE_SCHEMA_MISMATCH',
      severity: 'ERROR',
      message: `The features were built with ${releaseOf(builtWith)}, but ${release} was trained on ${releaseOf(expected)}. ${differencesFrom(expected)(builtWith)}`,
      subject: subjectOf(builtWith),
    },
  ];
};

/** In words, how a schema differs from the one that a version expects. */
const differencesFrom = remembered((expected: FeatureSchema) =>
  remembered((builtWith: FeatureSchema) => differences(fieldChanges(expected, builtWith))),
);

const differences = (changes: readonly FieldChange[]): string => {
  const telling = changes.filter(({ severity }) => severity !== 'INFO');
  return telling.length === 0
    ? 'No difference changes what a value means.'
    : `It differs in ${listed(telling.map(changeText))}.`;
};

const missing = ({ expected, readings, release }: TraceEvidence): readonly Finding[] => {
  const names = expected.fields
    .filter(({ isNullable, defaultValue }) => !isNullable && defaultValue === null)
    .map(({ name }) => name)
    .filter((name) => !hasValue(readings.get(name)));
  if (names.length === 0) return [];
  return [
    {
      code: 'FEATURE_MISSING',
      severity: 'ERROR',
      message: `${release} requires ${listed(names)}, and the record has no value for ${names.length === 1 ? 'it' : 'them'}.`,
      subject: subjectOf(expected),
    },
  ];
};

const hasValue = (reading: FeatureReading | undefined): boolean =>
  reading !== undefined && reading.status !== 'NULL' && reading.status !== 'MISSING';

const mistyped = ({ expected, readings, release }: TraceEvidence): readonly Finding[] => {
  const misfits = expected.fields.flatMap((field) => {
    const reading = readings.get(field.name);
    return reading === undefined || !hasValue(reading) ? [] : misfit(field, reading);
  });
  if (misfits.length === 0) return [];
  return [
    {
      code: 'FEATURE_TYPE_MISMATCH',
      severity: 'ERROR',
      message: `Not as ${release} declares: ${listed(misfits)}.`,
      subject: subjectOf(expected),
    },
  ];
};

const misfit = (
  field: FeatureFieldDefinition,
  { field: built, value }: FeatureReading,
): string[] => {
  if (field.type !== built.type) return [`${field.name} is ${built.type} instead of ${field.type}`];
  if (field.shape.join() !== built.shape.join()) {
    return [`${field.name} has shape [${built.shape}] instead of [${field.shape}]`];
  }
  const { categories } = field;
  if (categories === null) return [];
  const values = Array.isArray(value) ? value : [value];
  const unknown = values.filter((item) => typeof item === 'string' && !categories.includes(item));
  // Findings are for everybody who may see the trace.
  const isSensitive = field.isSensitive || built.isSensitive;
  return unknown.map(
    (item) =>
      `${field.name} is ${isSensitive ? 'a value' : `${JSON.stringify(item)},`} not one of its categories`,
  );
};

const undeclared = ({
  expected,
  readings,
  undeclaredNames,
  release,
}: TraceEvidence): readonly Finding[] => {
  const declared = new Set(expected.fields.map(({ name }) => name));
  const names = [...readings.keys(), ...undeclaredNames].filter((name) => !declared.has(name));
  if (names.length === 0) return [];
  return [
    {
      code: 'FEATURE_UNDECLARED',
      severity: 'WARNING',
      message: `The record holds ${listed(names)}, which ${release} does not declare.`,
      subject: subjectOf(expected),
    },
  ];
};

const stale = ({ prediction, readings, builtWith }: TraceEvidence): readonly Finding[] => {
  const late = [...readings.values()].filter(
    ({ field, observedAt }) =>
      observedAt !== null && isStale(field, observedAt, prediction.occurredAt),
  );
  if (late.length === 0) return [];
  const described = late.map(
    ({ field, observedAt }) =>
      `${field.name} (written ${observedAt === null ? 'at an unknown time' : formatInstant(observedAt)}, at most ${field.maxAgeSeconds} s old allowed)`,
  );
  return [
    {
      code: 'FEATURE_STALE',
      severity: 'WARNING',
      message: `Older than declared when the model answered: ${listed(described)}.`,
      subject: subjectOf(builtWith),
    },
  ];
};
