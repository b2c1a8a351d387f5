import { argumentError } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';
import { referenced } from '../platform/immutable-cache.ts';
import type { Instant } from '../platform/instant.ts';
import { needs } from '../platform/needs.ts';
import { TimeWindowInput } from '../platform/time-window.ts';
import type { FeatureReading } from '../prediction/feature-decode.ts';
import { lexical } from '../prediction/feature-lexical.ts';
import type { TimeWindow } from '../prediction/prediction-filter-input.ts';
import { type PredictionLog, PredictionLogRef } from '../prediction/prediction-log.ts';
import {
  findModelVersion,
  ModelVersionReferenceInput,
  modelVersionById,
} from '../registry/model-version.ts';
import {
  type Counterexample,
  type CounterexampleReport,
  counterexamples,
  type FeatureDifference,
  MAX_CANDIDATES,
} from './counterexample.ts';

const DAY = 86_400_000_000;
const MAX_DAYS = 31;
const MAX_FIRST = 50;

const textOf = ({ value, field }: FeatureReading): string | null =>
  value === null || Array.isArray(value) ? null : lexical(field.type, value as never);

const DifferenceRef = builder.objectRef<FeatureDifference>('FeatureDifference').implement({
  description: 'A feature that differs between two cases.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Feature name.' }),
    own: t.string({
      nullable: true,
      description: 'Exact text of the value of the prediction asked about; null when absent.',
      resolve: ({ own }) => textOf(own),
    }),
    other: t.string({
      nullable: true,
      description: 'Exact text of the value of the other case; null when absent.',
      resolve: ({ other }) => textOf(other),
    }),
    distance: t.exposeFloat('distance', {
      description:
        'From 0 to 1: for numbers the difference by the range of the training data, at most 1; for all else, and where one is absent, 1.',
    }),
  }),
});

const CounterexampleRef = builder.objectRef<Counterexample>('Counterexample').implement({
  description: 'A case that went the other way.',
  fields: (t) => ({
    prediction: t.field({
      type: PredictionLogRef,
      description: 'The case.',
      resolve: ({ prediction }) => prediction,
    }),
    distance: t.exposeFloat('distance', {
      description: 'Distance from the prediction asked about, from 0 to 1.',
    }),
    differences: t.field({
      type: [DifferenceRef],
      description: 'Features that differ, the most different first.',
      resolve: ({ differences }) => [...differences],
    }),
  }),
});

const ExcludedRef = builder
  .objectRef<CounterexampleReport['excluded'][number]>('ExcludedFeature')
  .implement({
    description: 'A feature that is not compared.',
    fields: (t) => ({
      name: t.exposeString('name', { description: 'Feature name.' }),
      reason: t.exposeString('reason', { description: 'Why, in English.' }),
    }),
  });

const ReportRef = builder.objectRef<CounterexampleReport>('CounterexampleReport').implement({
  extensions: needs('predictions:read'),
  description: 'The nearest cases that went the other way.',
  fields: (t) => ({
    nearest: t.field({
      type: [CounterexampleRef],
      description: 'The nearest first; of equally near ones, the newest.',
      complexity: { field: 0, multiplier: 5 },
      resolve: ({ nearest }) => [...nearest],
    }),
    comparedCount: t.exposeInt('compared', { description: 'Cases compared: all there are.' }),
    skippedCount: t.exposeInt('skipped', {
      description:
        'Cases left out because a compared feature means something else in them, or was erased.',
    }),
    comparedFeatures: t.stringList({
      description: 'Features that the distance is the mean over.',
      resolve: ({ features }) => [...features],
    }),
    excludedFeatures: t.field({
      type: [ExcludedRef],
      description: 'Features that are not compared, and why.',
      resolve: ({ excluded }) => [...excluded],
    }),
  }),
});

const windowOf = (
  during: TimeWindow | null | undefined,
  { occurredAt }: PredictionLog,
): { readonly from: Instant; readonly to: Instant } => {
  if (during == null) return { from: occurredAt - 7 * DAY, to: occurredAt + 7 * DAY };
  const { from, to } = during;
  if (from != null && to != null && from < to && to - from <= MAX_DAYS * DAY) return { from, to };
  const message = `Give \`from\` and a later \`to\`, at most ${MAX_DAYS} days apart.`;
  throw argumentError({ path: ['during'], message });
};

const refuseBadly = (
  { label, score }: PredictionLog,
  first: number,
  margin: number | null,
): void => {
  if (first < 1 || first > MAX_FIRST) {
    throw argumentError({ path: ['first'], message: `${first}; give 1 to ${MAX_FIRST}.` });
  }
  if (margin === null && label === null) {
    const message = 'The prediction has no label to differ from; give a margin of the score.';
    throw argumentError({ path: ['margin'], message });
  }
  if (margin === null) return;
  if (!(margin > 0)) {
    throw argumentError({ path: ['margin'], message: `${margin}; give more than 0.` });
  }
  if (score === null || !Number.isFinite(score)) {
    const message = 'The prediction has no finite score; leave the margin out to compare labels.';
    throw argumentError({ path: ['margin'], message });
  }
};

builder.objectField(PredictionLogRef, 'counterexamples', (t) =>
  t.field({
    type: ReportRef,
    description: `The nearest logged cases with the other label, or with a score beyond a margin. Distances are Gower's (1971) over the features that are not vectors: numbers scaled by their range in the training data, everything else equal or not. Exact: every case of the window is compared; more than ${MAX_CANDIDATES} are refused.`,
    complexity: 500,
    args: {
      first: t.arg.int({
        required: true,
        defaultValue: 5,
        description: `How many: 1 to ${MAX_FIRST}.`,
      }),
      modelVersion: t.arg({
        type: ModelVersionReferenceInput,
        description: 'Cases that this version answered; the same one when omitted.',
      }),
      during: t.arg({
        type: TimeWindowInput,
        description: `Cases of this window, at most ${MAX_DAYS} days; 7 days before and after when omitted.`,
      }),
      margin: t.arg.float({
        description: 'Cases whose score is at least this far away, instead of another label.',
      }),
    },
    resolve: async (prediction, { first, modelVersion, during, margin }, context) => {
      refuseBadly(prediction, first, margin ?? null);
      const { database } = context;
      const named = modelVersion == null ? null : await findModelVersion(database, modelVersion);
      if (modelVersion != null && named === null) {
        throw argumentError({ path: ['modelVersion'], message: 'There is no such model version.' });
      }
      const own = await modelVersionById(database).load(prediction.modelVersionId);
      return counterexamples(context, prediction, {
        version: named ?? referenced(own),
        ...windowOf(during, prediction),
        margin: margin ?? null,
        first,
      });
    },
  }),
);
