import { FeatureFieldRef } from '../evidence/feature-schema-type.ts';
import type { FeatureStatistics } from '../evidence/feature-statistics.ts';
import { builder } from '../platform/builder.ts';
import { needsWithinModels } from '../platform/needs.ts';
import { quantileOf } from './baseline.ts';
import type { FeatureScalar } from './feature-decode.ts';
import { lexical } from './feature-lexical.ts';
import { isStale } from './feature-status.ts';
import type { FeatureValue } from './feature-values.ts';

const STATUSES = {
  PRESENT: { description: 'A value was present.' },
  NULL: { description: 'Explicitly null.' },
  MISSING: { description: 'Absent from the record.' },
  DEFAULTED: { description: 'Replaced by the declared default.' },
  STALE: { description: 'Present, but older than the declared maximum age.' },
  REDACTED: { description: 'Present, but hidden from this caller.' },
  ERASED: { description: 'Erased by request; its commitment remains.' },
} as const;

type Status = keyof typeof STATUSES;

const FeatureValueStatus = builder.enumType('FeatureValueStatus', {
  description: 'Whether and how the model received a feature value.',
  values: STATUSES,
});

export const statusOf = ({ reading, isVisible, occurredAt }: FeatureValue): Status => {
  if (reading === null) return isVisible ? 'PRESENT' : 'REDACTED';
  const { status, observedAt, field } = reading;
  if (status === 'PRESENT' || status === 'DEFAULTED') {
    if (!isVisible) return 'REDACTED';
    if (observedAt !== null && isStale(field, observedAt, occurredAt)) return 'STALE';
  }
  return status;
};

type Elements = readonly (FeatureScalar | null)[];

const isElements = (value: FeatureScalar | Elements | null): value is Elements =>
  Array.isArray(value);

/** The value as this caller may see it; null when there is none to see. */
const visible = ({ reading, isVisible }: FeatureValue): FeatureScalar | Elements | null =>
  isVisible ? (reading?.value ?? null) : null;

const scalar = (value: FeatureValue): FeatureScalar | null => {
  const seen = visible(value);
  return isElements(seen) ? null : seen;
};

const elements = (value: FeatureValue): readonly (string | null)[] | null => {
  const seen = visible(value);
  if (!isElements(seen) || value.reading === null) return null;
  const { type } = value.reading.field;
  return seen.map((element) => (element === null ? null : lexical(type, element)));
};

/** Exact text: of a vector, its elements in brackets. */
export const textOf = (value: FeatureValue): string | null => {
  if (value.reading === null) return value.isVisible ? value.undeclared : null;
  const list = elements(value);
  if (list !== null) return `[${list.map((element) => element ?? 'null').join(', ')}]`;
  const seen = scalar(value);
  return seen === null ? null : lexical(value.reading.field.type, seen);
};

const isType = (value: FeatureValue, ...types: readonly string[]): boolean =>
  types.includes(value.reading?.field.type ?? '');

interface Baseline {
  readonly quantile: number | null;
  readonly isUnseen: boolean;
}

/** How a scalar value stands against frozen statistics; null when it cannot be compared. */
export const baselineOf = (
  statistics: FeatureStatistics | null,
  value: FeatureScalar | null,
): Baseline | null => {
  if (statistics === null || value === null) return null;
  if (statistics.numeric !== null) {
    const number = Number(value);
    const { min, max } = statistics.numeric;
    if (min === null || max === null) return null;
    return {
      quantile: quantileOf({ ...statistics.numeric, min, max }, number),
      isUnseen: Number.isNaN(number) || number < min || number > max,
    };
  }
  const text = typeof value === 'boolean' ? String(value) : value;
  const seen = statistics.categorical?.categories.some((category) => category.value === text);
  return { quantile: null, isUnseen: seen !== true };
};

const FeatureBaselineRef = builder.objectRef<Baseline>('FeatureBaseline').implement({
  description: "How a served value stands against the training snapshot's frozen statistics.",
  fields: (t) => ({
    quantile: t.exposeFloat('quantile', {
      nullable: true,
      description:
        'Share of training values at or below this one, from 0 to 1, linear between the frozen quantiles and histogram edges; null for categories and NaN.',
    }),
    isUnseen: t.exposeBoolean('isUnseen', {
      description:
        'Whether the value lies outside everything seen in training, or is a category never seen.',
    }),
  }),
});

export const FeatureValueRef = builder.objectRef<FeatureValue>('FeatureValue').implement({
  extensions: needsWithinModels('predictions:read'),
  description:
    'The value of one feature in one prediction. Exactly the field that matches `definition.type` is set, or `elements` and `vector` for a feature with a shape; all are null when there is no value.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Feature name.' }),
    definition: t.field({
      type: FeatureFieldRef,
      nullable: true,
      description:
        'Definition in the schema the features were built with; null for a feature that it does not declare.',
      resolve: ({ reading }) => reading?.field ?? null,
    }),
    expected: t.field({
      type: FeatureFieldRef,
      nullable: true,
      description:
        'Definition in the schema that the answering version was trained on, when that is another schema; null when it is the same schema or lacks the feature.',
      resolve: ({ expected }) => expected,
    }),
    status: t.field({
      type: FeatureValueStatus,
      description: 'Whether and how the model received a value.',
      resolve: statusOf,
    }),
    text: t.string({
      nullable: true,
      description:
        'Exact text of any present value: every digit of an integer, shortest round-trip form of a float, `NaN`, `Infinity`, `-0`; elements in brackets for a vector; JSON for an undeclared feature.',
      resolve: textOf,
    }),
    float: t.float({
      nullable: true,
      description: 'Value of an `FP32` or `FP64` feature when it is finite.',
      resolve: (value) => {
        const seen = scalar(value);
        return typeof seen === 'number' && isType(value, 'FP32', 'FP64') && Number.isFinite(seen)
          ? seen
          : null;
      },
    }),
    integer: t.field({
      type: 'BigInt',
      nullable: true,
      description: 'Value of an `INT64` feature.',
      resolve: (value) => {
        const seen = scalar(value);
        return typeof seen === 'bigint' ? seen : null;
      },
    }),
    boolean: t.boolean({
      nullable: true,
      description: 'Value of a `BOOL` feature.',
      resolve: (value) => {
        const seen = scalar(value);
        return typeof seen === 'boolean' ? seen : null;
      },
    }),
    string: t.string({
      nullable: true,
      description: 'Value of a `STRING` feature.',
      resolve: (value) => {
        const seen = scalar(value);
        return typeof seen === 'string' ? seen : null;
      },
    }),
    timestamp: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Value of a `TIMESTAMP` feature.',
      resolve: (value) => {
        const seen = scalar(value);
        return typeof seen === 'number' && isType(value, 'TIMESTAMP') ? seen : null;
      },
    }),
    elements: t.stringList({
      nullable: { list: true, items: true },
      description: 'Exact texts of the elements of a feature with a shape, row-major.',
      resolve: (value) => elements(value)?.slice() ?? null,
    }),
    vector: t.floatList({
      nullable: { list: true, items: true },
      description:
        'Elements of an `FP32` or `FP64` feature with a shape, row-major; null for each element that is null or not finite (see `elements`).',
      resolve: (value) => {
        const seen = visible(value);
        if (!isElements(seen) || !isType(value, 'FP32', 'FP64')) return null;
        return seen.map((item) =>
          typeof item === 'number' && Number.isFinite(item) ? item : null,
        );
      },
    }),
    observedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the feature store last wrote the value, when the log says so.',
      resolve: ({ reading }) => reading?.observedAt ?? null,
    }),
    ageSeconds: t.float({
      nullable: true,
      description: 'How old the value was when the model answered, in seconds.',
      resolve: ({ reading, occurredAt }) =>
        reading?.observedAt == null ? null : (occurredAt - reading.observedAt) / 1_000_000,
    }),
    baseline: t.field({
      type: FeatureBaselineRef,
      nullable: true,
      description:
        "How the value stands against the frozen statistics of the version's reference or training snapshot; null when there are none, or there is no single value.",
      resolve: (value) => baselineOf(value.statistics, scalar(value)),
    }),
  }),
});
