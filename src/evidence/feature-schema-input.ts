import { builder } from '../platform/builder.ts';
import type { Issues } from '../platform/issues.ts';
import { CodeCommitInput, checkCommit } from './code-commit-record.ts';
import { checkDefault } from './feature-default.ts';
import { FeatureTypeEnum } from './feature-type.ts';

/** Most fields in a schema, and most elements in one value. */
const MAX_FIELDS = 5000;
const MAX_ELEMENTS = 65_536;
/** Most columns that one step reads. */
const MAX_INPUTS = 200;

const FeatureTransformationInput = builder.inputType('FeatureTransformationInput', {
  description: 'A transformation step to record.',
  fields: (t) => ({
    function: t.string({ required: true, description: 'Registered name of the function.' }),
    version: t.string({
      required: true,
      description: "Version of the function's implementation.",
    }),
    inputs: t.stringList({
      required: true,
      description: `Columns or features the step reads; at most ${MAX_INPUTS}.`,
    }),
    parameters: t.field({
      type: 'JSON',
      description: 'Fitted or configured parameters; `{}` when omitted.',
    }),
    commit: t.field({
      type: CodeCommitInput,
      description: 'Commit that holds the implementation, when known.',
    }),
  }),
});

const FeatureFieldInput = builder.inputType('FeatureFieldInput', {
  description: 'A feature to record.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'Name, unique within the schema.' }),
    type: t.field({ type: FeatureTypeEnum, required: true, description: 'Type of the value.' }),
    isNullable: t.boolean({
      required: true,
      defaultValue: false,
      description: 'Whether a value may be null or missing.',
    }),
    shape: t.intList({
      required: true,
      defaultValue: [],
      description: `Lengths of the dimensions of one value, each from 1, at most ${MAX_ELEMENTS} elements in all; empty for a scalar.`,
    }),
    categories: t.stringList({
      description: 'Allowed categories of a `STRING` feature; unrestricted when omitted.',
    }),
    default: t.field({
      type: 'JSON',
      description:
        'Value that stands in for a missing one: a JSON value of the declared type; of a tensor, all elements in nested arrays or a flat one. Integers beyond 2^53 and the numbers that JSON lacks are strings: `"NaN"`, `"Infinity"`, `"-Infinity"`, `"-0"`.',
    }),
    maxAgeSeconds: t.int({
      description:
        'A stored value older than this when the model answers is stale; any age is fresh when omitted.',
    }),
    description: t.string({ description: 'What the feature means.' }),
    isSensitive: t.boolean({
      required: true,
      defaultValue: false,
      description: 'Whether the value is personal data, shown only to callers allowed to see it.',
    }),
    transformations: t.field({
      type: [FeatureTransformationInput],
      required: true,
      defaultValue: [],
      description: 'Steps from raw columns to this feature, in order; at most 100.',
    }),
  }),
});

export const FeatureSchemaInput = builder.inputType('FeatureSchemaInput', {
  description: 'A feature schema to record.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'Name of the feature set.' }),
    semver: t.field({
      type: 'SemVer',
      required: true,
      description: 'Semantic version, not yet used for other content under this name.',
    }),
    fields: t.field({
      type: [FeatureFieldInput],
      required: true,
      description: `Fields in the order the model expects them; 1 to ${MAX_FIELDS}.`,
    }),
  }),
});

export type FeatureSchemaSourceInput = typeof FeatureSchemaInput.$inferInput;
type FieldSource = typeof FeatureFieldInput.$inferInput;

type Path = readonly (string | number)[];

export const checkFeatureSchema = (
  { name, fields }: FeatureSchemaSourceInput,
  path: Path,
  issues: Issues,
): void => {
  issues.name([...path, 'name'], name);
  if (fields.length === 0 || fields.length > MAX_FIELDS) {
    issues.add(
      [...path, 'fields'],
      `A schema has 1 to ${MAX_FIELDS} fields; ${fields.length} were given.`,
    );
  }
  const seen = new Set<string>();
  for (const [index, field] of fields.entries()) {
    const place = [...path, 'fields', index];
    if (seen.has(field.name)) {
      issues.add(
        [...place, 'name'],
        `Field ${JSON.stringify(field.name)} is declared twice; give each field its own name.`,
      );
    }
    seen.add(field.name);
    checkField(field, place, issues);
  }
};

const checkField = (field: FieldSource, path: Path, issues: Issues): void => {
  issues.name([...path, 'name'], field.name);
  issues.text([...path, 'description'], field.description);
  const elements = field.shape.reduce((product, length) => product * length, 1);
  if (field.shape.some((length) => length < 1) || elements > MAX_ELEMENTS) {
    issues.add(
      [...path, 'shape'],
      `Shape [${field.shape}] is not usable: give lengths from 1, at most ${MAX_ELEMENTS} elements in all.`,
    );
  }
  if (field.maxAgeSeconds != null && field.maxAgeSeconds < 0) {
    issues.add(
      [...path, 'maxAgeSeconds'],
      `maxAgeSeconds is ${field.maxAgeSeconds}; give 0 or more, or leave it out.`,
    );
  }
  checkCategories(field, path, issues);
  if (field.default !== undefined) checkDefault(field, field.default, [...path, 'default'], issues);
  if (field.transformations.length > 100) {
    issues.add(
      [...path, 'transformations'],
      `${field.transformations.length} transformations were given; give at most 100.`,
    );
  }
  for (const [index, step] of field.transformations.entries()) {
    const place = [...path, 'transformations', index];
    issues.name([...place, 'function'], step.function);
    issues.name([...place, 'version'], step.version);
    if (step.inputs.length > MAX_INPUTS) {
      issues.add(
        [...place, 'inputs'],
        `${step.inputs.length} inputs were given; give at most ${MAX_INPUTS}.`,
      );
    }
    for (const [at, input] of step.inputs.entries())
      issues.text([...place, 'inputs', at], input, 500);
    issues.json([...place, 'parameters'], step.parameters ?? {});
    if (step.commit != null) checkCommit(step.commit, [...place, 'commit'], issues);
  }
};

const checkCategories = ({ type, categories }: FieldSource, path: Path, issues: Issues): void => {
  if (categories == null) return;
  const place = [...path, 'categories'];
  if (type !== 'STRING') {
    issues.add(
      place,
      `Only STRING features have categories, and this one is ${type}; leave them out.`,
    );
  } else if (categories.length === 0 || new Set(categories).size !== categories.length) {
    issues.add(
      place,
      'Give at least one category, each once; leave them out when any text is allowed.',
    );
  }
  for (const [index, category] of categories.entries())
    issues.text([...place, index], category, 1000);
};
