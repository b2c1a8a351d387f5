import { argumentError } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';
import type { JsonValue } from '../platform/canonical-json.ts';
import { needsWithinModels } from '../platform/needs.ts';
import {
  ChangeKindEnum,
  type ValueChange,
  ValueChangeRef,
  valueChanges,
} from '../platform/value-change.ts';
import type { FeatureFieldDefinition } from './feature-field.ts';
import { type FeatureSchema, FeatureSchemaRef } from './feature-schema.ts';
import { FeatureSchemaReferenceInput, findFeatureSchema } from './feature-schema-reference.ts';
import { FeatureFieldRef } from './feature-schema-type.ts';
import { compatibilityOf, type FieldChange, fieldChanges } from './schema-compatibility.ts';
import { SeverityEnum } from './schema-compatibility-type.ts';

/** Two feature schemas to be compared. */
export interface FeatureSchemaDiff {
  readonly base: FeatureSchema;
  readonly head: FeatureSchema;
}

const stepsOf = ({ transformations }: FeatureFieldDefinition): JsonValue =>
  transformations.map((step) => ({
    function: step.function,
    version: step.version,
    inputs: step.inputs,
    parameters: JSON.parse(step.parameters) as JsonValue,
    commit: step.codeCommit,
  }));

/** What differs in the steps that derive a changed feature; nothing for one that is new or gone. */
export const transformationChanges = ({ before, after }: FieldChange): readonly ValueChange[] =>
  before === null || after === null ? [] : valueChanges(stepsOf(before), stepsOf(after));

const SchemaCompatibilityEnum = builder.enumType('SchemaCompatibility', {
  description: 'Whether values for one feature schema fit another.',
  values: {
    IDENTICAL: { description: 'The schemas are the same.' },
    BACKWARD: { description: 'Values for the base fit the head.' },
    INCOMPATIBLE: {
      description: 'Values for the base do not fit the head, or mean something else there.',
    },
  } as const,
});

const FieldAspectEnum = builder.enumType('FeatureFieldAspect', {
  description: 'What differs between two definitions of one feature.',
  values: {
    TYPE: { value: 'type', description: 'Type of the value.' },
    SHAPE: { value: 'shape', description: 'Tensor shape of one value.' },
    NULLABILITY: { value: 'nullability', description: 'Whether a value may be null or missing.' },
    CATEGORIES: { value: 'categories', description: 'Allowed categories.' },
    DEFAULT: { value: 'default', description: 'Value that stands in for a missing one.' },
    MAXIMUM_AGE: { value: 'maximum age', description: 'Age from which a stored value is stale.' },
    SENSITIVITY: { value: 'sensitivity', description: 'Whether the value is personal data.' },
    TRANSFORMATIONS: {
      value: 'transformations',
      description: 'Functions, versions, inputs or parameters of the steps that derive it.',
    },
    IMPLEMENTATION: {
      value: 'implementation',
      description: 'Commits that hold the implementation of the steps.',
    },
    POSITION: { value: 'position', description: 'Position in the schema.' },
    DESCRIPTION: { value: 'description', description: 'What the feature is said to mean.' },
  } as const,
});

const FeatureFieldChangeRef = builder.objectRef<FieldChange>('FeatureFieldChange').implement({
  description: 'Difference of one feature field.',
  fields: (t) => ({
    kind: t.field({
      type: ChangeKindEnum,
      description: 'Kind of difference.',
      resolve: ({ kind }) => kind,
    }),
    name: t.exposeString('name', { description: 'Field name.' }),
    before: t.field({
      type: FeatureFieldRef,
      nullable: true,
      description: 'Definition in the base; null when added.',
      resolve: ({ before }) => before,
    }),
    after: t.field({
      type: FeatureFieldRef,
      nullable: true,
      description: 'Definition in the head; null when removed.',
      resolve: ({ after }) => after,
    }),
    aspects: t.field({
      type: [FieldAspectEnum],
      description: 'What differs; empty for a field that was added or removed.',
      resolve: ({ aspects }) => [...aspects],
    }),
    transformations: t.field({
      type: [ValueChangeRef],
      description:
        'Differences of the steps that derive the feature, compared position by position, down to single parameters: `/0/parameters/unit` is the parameter `unit` of the first step; a commit is given by its digest. Empty for a field that was added or removed.',
      resolve: (change) => [...transformationChanges(change)],
    }),
    severity: t.field({
      type: SeverityEnum,
      description: 'How much it matters to callers of the base.',
      resolve: ({ severity }) => severity,
    }),
  }),
});

export const FeatureSchemaDiffRef = builder
  .objectRef<FeatureSchemaDiff>('FeatureSchemaDiff')
  .implement({
    extensions: needsWithinModels('registry:read'),
    description: 'Differences of two feature schemas.',
    fields: (t) => ({
      base: t.field({
        type: FeatureSchemaRef,
        description: 'Schema compared from.',
        resolve: ({ base }) => base,
      }),
      head: t.field({
        type: FeatureSchemaRef,
        description: 'Schema compared to.',
        resolve: ({ head }) => head,
      }),
      compatibility: t.field({
        type: SchemaCompatibilityEnum,
        description: 'What callers of the base must know.',
        resolve: ({ base, head }) => compatibilityOf(base, head),
      }),
      fields: t.field({
        type: [FeatureFieldChangeRef],
        description:
          'Field differences, by name: those of the base in its order, then those that only the head has.',
        resolve: ({ base, head }) => [...fieldChanges(base, head)],
      }),
    }),
  });

builder.objectField(FeatureSchemaRef, 'diff', (t) =>
  t.field({
    type: FeatureSchemaDiffRef,
    description:
      'How this schema differs from another one: this is the head. A base that is not on record is refused.',
    complexity: 5,
    args: {
      base: t.arg({
        type: FeatureSchemaReferenceInput,
        required: true,
        description: 'Schema to compare from.',
      }),
    },
    resolve: async (head, { base: reference }, { database }) => {
      const base = await findFeatureSchema(database, reference);
      if (base !== null) return { base, head };
      const { digest, release } = reference;
      const named = release == null ? digest : `${release.name}@${release.semver}`;
      const message = `No feature schema ${named} is on record; give the digest or release of one that is.`;
      throw argumentError({ path: ['base'], message });
    },
  }),
);
