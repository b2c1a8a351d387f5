import { builder } from '../platform/builder.ts';
import type { JsonValue } from '../platform/canonical-json.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { IMMUTABLE } from '../platform/immutable-type.ts';
import { needsWithinModels } from '../platform/needs.ts';
import { CodeCommitRef, codeCommitByDigest } from './code-commit.ts';
import { ContentAddressedRef, findableByDigest, shortDigest } from './content-addressed.ts';
import type { FeatureFieldDefinition, FeatureTransformation } from './feature-field.ts';
import { FeatureSchemaRef, featureSchemaByDigest } from './feature-schema.ts';
import { FeatureTypeEnum } from './feature-type.ts';
import { LineageNodeRef } from './lineage-node.ts';

interface Step extends FeatureTransformation {
  readonly position: number;
  readonly parsedParameters: JsonValue;
}

const steps = new WeakMap<FeatureFieldDefinition, Step[]>();

/** Read once: definitions are immutable and stay in memory. */
const stepsOf = (field: FeatureFieldDefinition): Step[] => {
  const known = steps.get(field);
  if (known !== undefined) return known;
  const found = field.transformations.map((step, position) => ({
    ...step,
    position,
    parsedParameters: JSON.parse(step.parameters) as JsonValue,
  }));
  steps.set(field, found);
  return found;
};

const FeatureTransformationRef = builder.objectRef<Step>('FeatureTransformation').implement({
  description: 'One step that derives a feature.',
  fields: (t) => ({
    position: t.exposeInt('position', { description: 'Position in the chain, from 0.' }),
    function: t.exposeString('function', {
      description: 'Registered name of the function, such as `standard_scale`.',
    }),
    version: t.exposeString('version', {
      description: "Version of the function's implementation.",
    }),
    inputs: t.stringList({
      description: 'Columns or features the step reads.',
      resolve: ({ inputs }) => [...inputs],
    }),
    parameters: t.field({
      type: 'JSON',
      description: 'Fitted or configured parameters, such as a mean and a scale.',
      resolve: ({ parsedParameters }) => parsedParameters,
    }),
    commit: t.field({
      type: CodeCommitRef,
      nullable: true,
      description: 'Commit that holds the implementation, when known.',
      resolve: async ({ codeCommit }, _, { database }) =>
        codeCommit === null
          ? null
          : referenced(await codeCommitByDigest(database).load(codeCommit)),
    }),
  }),
});

export const FeatureFieldRef = builder.objectRef<FeatureFieldDefinition>('FeatureField').implement({
  extensions: { ...needsWithinModels('registry:read'), ...IMMUTABLE },
  description: 'One feature of a schema.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Name, unique within the schema.' }),
    position: t.exposeInt('position', { description: 'Position, from 0.' }),
    type: t.field({
      type: FeatureTypeEnum,
      description: 'Type of the stored value.',
      resolve: ({ type }) => type,
    }),
    isNullable: t.exposeBoolean('isNullable', {
      description: 'Whether a value may be null or missing.',
    }),
    shape: t.intList({
      description: 'Tensor shape of one value; empty for a scalar.',
      resolve: ({ shape }) => [...shape],
    }),
    categories: t.stringList({
      nullable: true,
      description: 'Allowed categories; null when unrestricted.',
      resolve: ({ categories }) => (categories === null ? null : [...categories]),
    }),
    default: t.field({
      type: 'JSON',
      nullable: true,
      description: 'Value that stands in for a missing one; null when there is none.',
      resolve: ({ defaultValue }) =>
        defaultValue === null ? null : (JSON.parse(defaultValue) as JsonValue),
    }),
    maxAgeSeconds: t.exposeInt('maxAgeSeconds', {
      nullable: true,
      description:
        'A stored value older than this when the model answers is stale; null when any age is fresh.',
    }),
    description: t.exposeString('description', {
      nullable: true,
      description: 'What the feature means.',
    }),
    isSensitive: t.exposeBoolean('isSensitive', {
      description:
        'Whether the value is personal data, shown only to callers with the scope `features:sensitive`.',
    }),
    transformations: t.field({
      type: [FeatureTransformationRef],
      description: 'Steps from raw columns to this feature, in order.',
      resolve: stepsOf,
    }),
  }),
});

findableByDigest((database, digest) => featureSchemaByDigest(database).load(digest));

builder.node(FeatureSchemaRef, {
  extensions: { ...needsWithinModels('registry:read'), ...IMMUTABLE },
  description: 'An ordered, immutable list of feature definitions.',
  interfaces: [ContentAddressedRef, LineageNodeRef],
  id: { resolve: ({ digest }) => digest, description: 'Opaque global ID.' },
  loadOne: (digest: string, { database }) => featureSchemaByDigest(database).load(digest),
  fields: (t) => ({
    displayName: t.string({
      description: 'Name, semantic version and abbreviated digest.',
      resolve: ({ name, semver, digest }) => `${name} ${semver} (${shortDigest(digest)})`,
    }),
    name: t.exposeString('name', {
      description: 'Name of the feature set, such as `fraud-features`.',
    }),
    semver: t.expose('semver', {
      type: 'SemVer',
      description:
        'Semantic version, unique within the name. The same name and version with other content is refused.',
    }),
    fields: t.field({
      type: [FeatureFieldRef],
      description: 'Fields in the order the model expects them.',
      resolve: ({ fields }) => [...fields],
    }),
    field: t.field({
      type: FeatureFieldRef,
      nullable: true,
      description: 'The field with this name.',
      args: { name: t.arg.string({ required: true, description: 'Name of the field.' }) },
      resolve: ({ fields }, { name }) => fields.find((field) => field.name === name) ?? null,
    }),
  }),
});
