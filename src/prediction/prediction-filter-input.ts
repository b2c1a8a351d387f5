import {
  type FeatureSchemaReference,
  FeatureSchemaReferenceInput,
} from '../evidence/feature-schema-reference.ts';
import { builder } from '../platform/builder.ts';
import { TimeWindowInput } from '../platform/time-window.ts';
import {
  type ModelVersionReference,
  ModelVersionReferenceInput,
} from '../registry/model-version.ts';
import { type EndpointReference, EndpointReferenceInput } from '../serving/endpoint.ts';
import {
  FloatComparator,
  type FloatComparison,
  IntegerComparator,
  MAX_VALUES,
  StringComparator,
  type StringComparison,
} from './comparators.ts';

/** Bounds of one filter; what lies within `and`, `or` and `not` counts. */
export const MAX_FILTER_DEPTH = 5;
export const MAX_CONDITIONS = 30;
/** Feature conditions in one list. */
export const MAX_FEATURES = 10;
/** Longest window, in days, that bounds a search by itself. */
export const MAX_WINDOW_DAYS = 366;

const FeatureCondition = builder.inputType('FeatureCondition', {
  description:
    "Exactly one condition, in the feature's own type. A value that is null, missing or erased fulfils no comparison; a default that the model received counts as the value.",
  isOneOf: true,
  fields: (t) => ({
    float: t.field({
      type: FloatComparator,
      description:
        'For `FP32` and `FP64` features. A number that is the exact text of an `FP32` value stands for that value.',
    }),
    integer: t.field({ type: IntegerComparator, description: 'For `INT64` features.' }),
    boolean: t.boolean({ description: 'For `BOOL` features: equal to.' }),
    string: t.field({ type: StringComparator, description: 'For `STRING` features.' }),
    timestamp: t.field({
      type: TimeWindowInput,
      description: 'For `TIMESTAMP` features: within this window.',
    }),
    missing: t.boolean({
      description:
        "For any of them: `true` where there was no value, or the record's schema has no such feature; `false` where there was one. An erased value is neither.",
    }),
  }),
});

const FeatureFilter = builder.inputType('FeatureFilter', {
  description:
    "A condition on one feature's value, in every record whose own schema declares a feature of this name and a fitting type. Features that no schema declares, and those with a shape, cannot be searched.",
  fields: (t) => ({
    name: t.string({ required: true, description: 'Feature name.' }),
    is: t.field({ type: FeatureCondition, required: true, description: 'The condition.' }),
  }),
});

const OutcomeFilter = builder.inputType('OutcomeFilter', {
  description:
    'Conditions on the outcome that holds now: the one observed last. All given conditions must hold.',
  fields: (t) => ({
    label: t.field({ type: StringComparator, description: 'Observed label.' }),
    value: t.field({ type: FloatComparator, description: 'Observed numeric value.' }),
    isRecorded: t.boolean({ description: 'Whether there is one.' }),
  }),
});

export type FeatureFilterShape = typeof FeatureFilter.$inferInput;
export type OutcomeFilterShape = typeof OutcomeFilter.$inferInput;
export type TimeWindow = typeof TimeWindowInput.$inferInput;

/** Which predictions; all given conditions must hold. */
export interface PredictionFilter {
  occurredAt?: TimeWindow | null | undefined;
  recordedAt?: TimeWindow | null | undefined;
  endpoint?: EndpointReference | null | undefined;
  modelVersion?: ModelVersionReference | null | undefined;
  featureSchema?: FeatureSchemaReference | null | undefined;
  requestIds?: string[] | null | undefined;
  traceId?: string | null | undefined;
  entityKeys?: string[] | null | undefined;
  score?: FloatComparison | null | undefined;
  hasScore?: boolean | null | undefined;
  label?: StringComparison | null | undefined;
  hasLabel?: boolean | null | undefined;
  latencyMs?: FloatComparison | null | undefined;
  features?: FeatureFilterShape[] | null | undefined;
  outcome?: OutcomeFilterShape | null | undefined;
  hasConflicts?: boolean | null | undefined;
  and?: PredictionFilter[] | null | undefined;
  or?: PredictionFilter[] | null | undefined;
  not?: PredictionFilter | null | undefined;
}

export const PredictionLogFilter = builder.inputRef<PredictionFilter, false>('PredictionLogFilter');

PredictionLogFilter.implement({
  description: `Which predictions to return. All given conditions must hold. Nested at most ${MAX_FILTER_DEPTH} levels deep, with at most ${MAX_CONDITIONS} conditions in total.`,
  fields: (t) => ({
    occurredAt: t.field({ type: TimeWindowInput, description: 'Made in this window.' }),
    recordedAt: t.field({
      type: TimeWindowInput,
      description: 'Recorded in this window.',
    }),
    endpoint: t.field({ type: EndpointReferenceInput, description: 'Returned by this endpoint.' }),
    modelVersion: t.field({
      type: ModelVersionReferenceInput,
      description: 'Made by this model version.',
    }),
    featureSchema: t.field({
      type: FeatureSchemaReferenceInput,
      description: 'Made from features that were built with this schema.',
    }),
    requestIds: t.stringList({
      description: `Answering one of these requests: 1 to ${MAX_VALUES} IDs.`,
    }),
    traceId: t.string({ description: 'Made within this W3C trace.' }),
    entityKeys: t.stringList({
      description: `About one of these entities: 1 to ${MAX_VALUES} keys. Needs the scope \`features:sensitive\`.`,
    }),
    score: t.field({ type: FloatComparator, description: 'Numeric output.' }),
    hasScore: t.boolean({ description: 'Whether there is a numeric output.' }),
    label: t.field({ type: StringComparator, description: 'Predicted label.' }),
    hasLabel: t.boolean({ description: 'Whether there is a predicted label.' }),
    latencyMs: t.field({ type: FloatComparator, description: 'Serving latency in milliseconds.' }),
    features: t.field({
      type: [FeatureFilter],
      description: `Conditions on feature values, all of which must hold: 1 to ${MAX_FEATURES}. Those on sensitive features need the scope \`features:sensitive\`.`,
    }),
    outcome: t.field({ type: OutcomeFilter, description: 'Observed outcome.' }),
    hasConflicts: t.boolean({
      description: 'Whether records with the same identity and other content arrived.',
    }),
    and: t.field({ type: [PredictionLogFilter], description: 'All of these filters match.' }),
    or: t.field({ type: [PredictionLogFilter], description: 'At least one of these matches.' }),
    not: t.field({
      type: PredictionLogFilter,
      description:
        'This filter does not match. It is the exact complement: a comparison with an absent value does not hold, so its negation does.',
    }),
  }),
});
