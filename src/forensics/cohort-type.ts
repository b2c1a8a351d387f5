import { FeatureSchemaRef, featureSchemaById } from '../evidence/feature-schema.ts';
import { builder } from '../platform/builder.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { CountEstimateRef } from '../prediction/count-estimate.ts';
import { ModelVersionRef, modelVersionById } from '../registry/model-version.ts';
import type { Cohort } from './cohort-comparison.ts';
import { CohortQualityRef } from './cohort-quality-type.ts';
import { DistributionRef } from './distribution-type.ts';
import { FEW_ROWS } from './feature-movement.ts';
import { top, topArguments, topCost } from './top-argument.ts';

interface Part {
  readonly id: number;
  readonly count: number;
}

const partsOf = (counts: ReadonlyMap<number, number>): readonly Part[] =>
  [...counts]
    .map(([id, count]) => ({ id, count }))
    .sort((a, b) => b.count - a.count || a.id - b.id);

const VersionPartRef = builder.objectRef<Part>('CohortModelVersion').implement({
  description: 'A model version in a cohort.',
  fields: (t) => ({
    modelVersion: t.field({
      type: ModelVersionRef,
      description: 'The version that answered.',
      resolve: async ({ id }, _, { database }) =>
        referenced(await modelVersionById(database).load(id)),
    }),
    predictionCount: t.exposeInt('count', { description: 'Its predictions.' }),
  }),
});

const SchemaPartRef = builder.objectRef<Part>('CohortFeatureSchema').implement({
  description: 'A feature schema in a cohort.',
  fields: (t) => ({
    featureSchema: t.field({
      type: FeatureSchemaRef,
      description: 'The schema that features were built with.',
      resolve: async ({ id }, _, { database }) =>
        referenced(await featureSchemaById(database).load(id)),
    }),
    predictionCount: t.exposeInt('count', { description: 'Predictions made from them.' }),
  }),
});

const LabelRef = builder
  .objectRef<{ readonly label: string; readonly count: number; readonly size: number }>(
    'CohortLabel',
  )
  .implement({
    description: 'A predicted label in a cohort.',
    fields: (t) => ({
      label: t.exposeString('label', { description: 'The label.' }),
      predictionCount: t.exposeInt('count', { description: 'Predictions of it.' }),
      share: t.float({
        description: 'Share of all predictions of the cohort, from 0 to 1.',
        resolve: ({ count, size }) => count / size,
      }),
    }),
  });

export const CohortRef = builder.objectRef<Cohort>('Cohort').implement({
  description: 'One of two sets of predictions that are compared.',
  fields: (t) => ({
    size: t.exposeInt('size', {
      description:
        'Recorded predictions. Every figure of the cohort weighs each of them alike, whatever the rate at which it was kept.',
    }),
    predictionEstimate: t.field({
      type: CountEstimateRef,
      description: 'The same, and how many they stand for where services sample.',
      resolve: ({ estimate }) => estimate,
    }),
    isSmall: t.boolean({
      description: `Whether there are fewer than ${FEW_ROWS}: too few to read much into.`,
      resolve: ({ size }) => size < FEW_ROWS,
    }),
    firstAt: t.expose('firstAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the first was made; null when there are none.',
    }),
    lastAt: t.expose('lastAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the last was made; null when there are none.',
    }),
    modelVersions: t.field({
      type: [VersionPartRef],
      description: 'The versions that answered, the most frequent first.',
      args: topArguments,
      complexity: topCost,
      resolve: ({ modelVersions }, args) => top(partsOf(modelVersions), args),
    }),
    featureSchemas: t.field({
      type: [SchemaPartRef],
      description: 'The schemas that features were built with, the most frequent first.',
      args: topArguments,
      complexity: topCost,
      resolve: ({ featureSchemas }, args) => top(partsOf(featureSchemas), args),
    }),
    score: t.field({
      type: DistributionRef,
      description: 'Distribution of the scores.',
      resolve: ({ score }) => score,
    }),
    latencyMs: t.field({
      type: DistributionRef,
      description: 'Distribution of the serving latency in milliseconds.',
      resolve: ({ latencyMs }) => latencyMs,
    }),
    labels: t.field({
      type: [LabelRef],
      description: 'Predicted labels, the most frequent first.',
      args: topArguments,
      complexity: topCost,
      resolve: ({ labels, size }, args) =>
        top(
          [...labels]
            .map(([label, count]) => ({ label, count, size }))
            .sort((a, b) => b.count - a.count || (a.label < b.label ? -1 : 1)),
          args,
        ),
    }),
    unlabelledCount: t.exposeInt('unlabelledCount', {
      description: 'Predictions without a label.',
    }),
    quality: t.field({
      type: CohortQualityRef,
      description: 'How well the answers agree with the outcomes that are known.',
      resolve: ({ quality }) => quality,
    }),
  }),
});
