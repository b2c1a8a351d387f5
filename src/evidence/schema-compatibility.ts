import type { FeatureFieldDefinition, FeatureTransformation } from './feature-field.ts';

export type ChangeKind = 'ADDED' | 'REMOVED' | 'CHANGED';
export type Severity = 'INFO' | 'WARNING' | 'ERROR';
export type SchemaCompatibility = 'IDENTICAL' | 'BACKWARD' | 'INCOMPATIBLE';

/** What may differ between two definitions of one feature. */
export type FieldAspect =
  | 'type'
  | 'shape'
  | 'nullability'
  | 'categories'
  | 'default'
  | 'maximum age'
  | 'sensitivity'
  | 'transformations'
  | 'implementation'
  | 'position'
  | 'description';

export interface FieldChange {
  readonly kind: ChangeKind;
  readonly name: string;
  readonly before: FeatureFieldDefinition | null;
  readonly after: FeatureFieldDefinition | null;
  /** Differing aspects of a changed field. */
  readonly aspects: readonly FieldAspect[];
  /** ERROR: values built for the base do not fit the head, or mean something else there. */
  readonly severity: Severity;
}

interface Schema {
  readonly digest: string;
  readonly fields: readonly FeatureFieldDefinition[];
}

/** Differences of the fields, in the order of the base, then those that only the head has. */
export const fieldChanges = (base: Schema, head: Schema): readonly FieldChange[] => {
  if (base.digest === head.digest) return [];
  const heads = new Map(head.fields.map((field) => [field.name, field]));
  const bases = new Set(base.fields.map((field) => field.name));
  const changed = base.fields.flatMap((before) => {
    const after = heads.get(before.name);
    return after === undefined ? [removed(before)] : changedField(before, after);
  });
  return [...changed, ...head.fields.filter(({ name }) => !bases.has(name)).map(added)];
};

/** Whether values built for the base can be given to a model that expects the head. */
export const compatibilityOf = (base: Schema, head: Schema): SchemaCompatibility => {
  if (base.digest === head.digest) return 'IDENTICAL';
  const isBroken = fieldChanges(base, head).some(({ severity }) => severity === 'ERROR');
  return isBroken ? 'INCOMPATIBLE' : 'BACKWARD';
};

const removed = (before: FeatureFieldDefinition): FieldChange => ({
  kind: 'REMOVED',
  name: before.name,
  before,
  after: null,
  aspects: [],
  severity: 'WARNING',
});

const added = (after: FeatureFieldDefinition): FieldChange => ({
  kind: 'ADDED',
  name: after.name,
  before: null,
  after,
  aspects: [],
  severity: after.isNullable || after.defaultValue !== null ? 'INFO' : 'ERROR',
});

const changedField = (
  before: FeatureFieldDefinition,
  after: FeatureFieldDefinition,
): readonly FieldChange[] => {
  const aspects = aspectRules.filter(({ differs }) => differs(before, after));
  if (aspects.length === 0) return [];
  const severities = aspects.map(({ severity }) => severity(before, after));
  return [
    {
      kind: 'CHANGED',
      name: before.name,
      before,
      after,
      aspects: aspects.map(({ aspect }) => aspect),
      severity: severities.reduce(worse),
    },
  ];
};

const RANK: Readonly<Record<Severity, number>> = { INFO: 0, WARNING: 1, ERROR: 2 };

export const worse = (one: Severity, other: Severity): Severity =>
  RANK[one] >= RANK[other] ? one : other;

type Rule = (before: FeatureFieldDefinition, after: FeatureFieldDefinition) => Severity;

const always =
  (severity: Severity): Rule =>
  () =>
    severity;

const sameList = (one: readonly unknown[] | null, other: readonly unknown[] | null): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

const stepKey = (step: FeatureTransformation): string =>
  JSON.stringify([step.function, step.version, step.inputs, step.parameters]);

/** Whether both features are derived by the same steps: then equal values mean the same. */
export const sameTransformations = (
  one: FeatureFieldDefinition,
  other: FeatureFieldDefinition,
): boolean => sameList(one.transformations.map(stepKey), other.transformations.map(stepKey));

const commits = ({ transformations }: FeatureFieldDefinition): readonly (string | null)[] =>
  transformations.map(({ codeCommit }) => codeCommit);

const fitsCategories: Rule = (before, after) => {
  if (after.categories === null) return 'INFO';
  const allowed = new Set(after.categories);
  return before.categories?.every((category) => allowed.has(category)) ? 'INFO' : 'ERROR';
};

const aspectRules: readonly {
  readonly aspect: FieldAspect;
  readonly differs: (before: FeatureFieldDefinition, after: FeatureFieldDefinition) => boolean;
  readonly severity: Rule;
}[] = [
  { aspect: 'type', differs: (a, b) => a.type !== b.type, severity: always('ERROR') },
  { aspect: 'shape', differs: (a, b) => !sameList(a.shape, b.shape), severity: always('ERROR') },
  {
    aspect: 'nullability',
    differs: (a, b) => a.isNullable !== b.isNullable,
    severity: (_, after) => (after.isNullable ? 'INFO' : 'ERROR'),
  },
  {
    aspect: 'categories',
    differs: (a, b) => !sameList(a.categories, b.categories),
    severity: fitsCategories,
  },
  {
    aspect: 'default',
    differs: (a, b) => a.defaultValue !== b.defaultValue,
    severity: always('WARNING'),
  },
  {
    aspect: 'maximum age',
    differs: (a, b) => a.maxAgeSeconds !== b.maxAgeSeconds,
    severity: always('WARNING'),
  },
  {
    aspect: 'sensitivity',
    differs: (a, b) => a.isSensitive !== b.isSensitive,
    severity: always('INFO'),
  },
  {
    // The value has the same name and type and means something else: miles read as kilometres.
    aspect: 'transformations',
    differs: (a, b) => !sameTransformations(a, b),
    severity: always('ERROR'),
  },
  {
    // The same function and version, from another commit: probably the same, but nobody has shown it.
    aspect: 'implementation',
    differs: (a, b) => !sameList(commits(a), commits(b)),
    severity: always('WARNING'),
  },
  { aspect: 'position', differs: (a, b) => a.position !== b.position, severity: always('INFO') },
  {
    aspect: 'description',
    differs: (a, b) => a.description !== b.description,
    severity: always('INFO'),
  },
];
