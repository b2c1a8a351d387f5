import { FeatureSchemaRef } from '../evidence/feature-schema.ts';
import { builder } from '../platform/builder.ts';
import { TimeWindowInput } from '../platform/time-window.ts';
import type { FeatureReading } from '../prediction/feature-decode.ts';
import { lexical } from '../prediction/feature-lexical.ts';
import { PredictionLogRef } from '../prediction/prediction-log.ts';
import { ModelVersionRef, ModelVersionReferenceInput } from '../registry/model-version.ts';
import type { ExcludedFeature, ExclusionReason } from './comparable-features.ts';
import { MAX_ELEMENTS } from './comparable-features.ts';
import {
  type Counterexample,
  type CounterexampleSearch,
  counterexamples,
  type FeatureDifference,
  MAX_CANDIDATES,
  type SkippedCandidates,
} from './counterexample.ts';
import { DAYS_AROUND, MAX_DAYS, MAX_NEAREST } from './counterexample-arguments.ts';
import { top, topArguments, topCost } from './top-argument.ts';

const textOf = ({ field: { type }, value }: FeatureReading): string | null => {
  if (value === null) return null;
  if (typeof value !== 'object') return lexical(type, value);
  const elements = value.map((element) => (element === null ? 'null' : lexical(type, element)));
  return `[${elements.join(', ')}]`;
};

const FeatureDifferenceRef = builder.objectRef<FeatureDifference>('FeatureDifference').implement({
  description: 'A feature that differs between a prediction and its counterexample.',
  fields: (t) => ({
    name: t.string({ description: 'Feature name.', resolve: ({ one }) => one.field.name }),
    text: t.string({
      nullable: true,
      description: 'Exact text of the value of the prediction; null when there was none.',
      resolve: ({ one }) => textOf(one),
    }),
    otherText: t.string({
      nullable: true,
      description: 'Exact text of the value of the counterexample; null when there was none.',
      resolve: ({ other }) => textOf(other),
    }),
    contribution: t.exposeFloat('contribution', {
      description: 'Its part of the distance. The parts of all features add up to it.',
    }),
  }),
});

const CounterexampleRef = builder.objectRef<Counterexample>('Counterexample').implement({
  description: 'A logged prediction that went the other way.',
  fields: (t) => ({
    prediction: t.field({
      type: PredictionLogRef,
      description: 'The prediction.',
      resolve: ({ prediction }) => prediction,
    }),
    distance: t.exposeFloat('distance', {
      description:
        'Gower distance, from 0 to 1: the mean of the distances of the compared features.',
    }),
    differenceCount: t.int({
      description: 'Compared features that differ.',
      resolve: ({ differences }) => differences.length,
    }),
    differences: t.field({
      type: [FeatureDifferenceRef],
      description: 'Features that differ, those that differ the most first.',
      args: topArguments,
      complexity: topCost,
      resolve: ({ differences }, args) => top(differences, args),
    }),
  }),
});

const EXCLUSIONS = {
  SENSITIVE: { description: 'Sensitive, and this caller lacks the scope `features:sensitive`.' },
  NO_RANGE: {
    description:
      'A number whose range in the training data is not known, or no 64-bit float, so that nothing scales its differences. A feature with a shape usually has no statistics.',
  },
  ERASED: { description: 'The value of the prediction was erased.' },
} satisfies Record<ExclusionReason, { description: string }>;

const ExclusionReasonEnum = builder.enumType('FeatureExclusionReason', {
  description: 'Why a feature is not compared.',
  values: EXCLUSIONS,
});

const ExcludedFeatureRef = builder.objectRef<ExcludedFeature>('ExcludedFeature').implement({
  description: 'A feature that is not compared.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Feature name.' }),
    reason: t.field({
      type: ExclusionReasonEnum,
      description: 'Why not.',
      resolve: ({ reason }) => reason,
    }),
  }),
});

const SKIPS = {
  OTHER_MEANING: {
    description:
      'Their schema lacks a compared feature, or gives it another type, shape or transformations. Name fewer `features` to compare them.',
  },
  UNKNOWN_VALUES: { description: 'A compared value was erased, or the row was altered.' },
} satisfies Record<SkippedCandidates['reason'], { description: string }>;

const SkipReasonEnum = builder.enumType('CandidateSkipReason', {
  description: 'Why candidates were not measured.',
  values: SKIPS,
});

const SkippedCandidatesRef = builder.objectRef<SkippedCandidates>('SkippedCandidates').implement({
  description: 'Candidates that were not measured.',
  fields: (t) => ({
    featureSchema: t.field({
      type: FeatureSchemaRef,
      description: 'The schema that their features were built with.',
      resolve: ({ schema }) => schema,
    }),
    reason: t.field({
      type: SkipReasonEnum,
      description: 'Why not.',
      resolve: ({ reason }) => reason,
    }),
    candidateCount: t.exposeInt('count', { description: 'How many.' }),
  }),
});

const SearchRef = builder.objectRef<CounterexampleSearch>('CounterexampleSearch').implement({
  description:
    'The logged predictions nearest to one that went the other way. Exact: every candidate is measured, none is sampled. They are facts of the log; that the features which differ caused the answer is not shown.',
  fields: (t) => ({
    modelVersion: t.field({
      type: ModelVersionRef,
      description: 'The version whose predictions are candidates.',
      resolve: ({ modelVersion }) => modelVersion,
    }),
    from: t.field({
      type: 'DateTime',
      description: 'Start of the window, inclusive.',
      resolve: ({ during }) => during.from,
    }),
    to: t.field({
      type: 'DateTime',
      description: 'End of the window, exclusive.',
      resolve: ({ during }) => during.to,
    }),
    measuredCount: t.exposeInt('measuredCount', {
      description: 'Candidates whose distance was measured.',
    }),
    skipped: t.field({
      type: [SkippedCandidatesRef],
      description: 'Candidates whose distance was not, by schema.',
      args: topArguments,
      // Not per item: the items of `nearest` set the price of the whole.
      complexity: { field: 1, multiplier: 1 },
      resolve: ({ skipped }, args) => top(skipped, args),
    }),
    comparedFeatures: t.stringList({
      description: 'Features that the distance is of, in schema order.',
      resolve: ({ compared }) => compared.map(({ field }) => field.name),
    }),
    excludedFeatures: t.field({
      type: [ExcludedFeatureRef],
      description: 'Features that it is not of, in schema order.',
      args: topArguments,
      // Not per item: the items of `nearest` set the price of the whole.
      complexity: { field: 1, multiplier: 1 },
      resolve: ({ excluded }, args) => top(excluded, args),
    }),
    nearest: t.field({
      type: [CounterexampleRef],
      description:
        'The nearest first; of equally near ones, the earliest, then by request ID. Empty when nothing went the other way.',
      // The argument `first` of the search has counted them.
      complexity: { field: 1, multiplier: 1 },
      resolve: ({ nearest }) => [...nearest],
    }),
  }),
});

builder.objectField(PredictionLogRef, 'counterexamples', (t) =>
  t.field({
    type: SearchRef,
    description: `The nearest predictions with another label, by Gower's distance (Gower, 1971, with equal weights): of numbers the difference over the range that the training data of the answering version had, at most 1; of texts and BOOL 0 or 1; of a feature with a shape the mean over its elements. An absent value is at distance 0 from an absent one and 1 from any other, and so is NaN. Features that the schema does not declare are not compared. More than ${MAX_CANDIDATES} candidates are refused.`,
    // Reads every candidate.
    complexity: ({ first }) => ({
      field: 500,
      multiplier: Math.max(1, Math.min(first ?? 5, MAX_NEAREST)),
    }),
    args: {
      first: t.arg.int({
        required: true,
        defaultValue: 5,
        description: `How many: 1 to ${MAX_NEAREST}.`,
      }),
      modelVersion: t.arg({
        type: ModelVersionReferenceInput,
        description: 'Only predictions of this version; of the one that answered when omitted.',
      }),
      during: t.arg({
        type: TimeWindowInput,
        description: `Only predictions in this window, both ends given, at most ${MAX_DAYS} days apart; from ${DAYS_AROUND} days before the prediction to ${DAYS_AROUND} days after it when omitted.`,
      }),
      margin: t.arg.float({
        description:
          'Take scores at least this far from that of the prediction, on either side, instead of other labels; more than 0. Needed when the prediction has no label.',
      }),
      features: t.arg.stringList({
        description: `Compare by these features only, with at most ${MAX_ELEMENTS} elements in total; by all that can be compared when omitted.`,
      }),
    },
    resolve: (prediction, args, context) => counterexamples(context, prediction, args),
  }),
);
