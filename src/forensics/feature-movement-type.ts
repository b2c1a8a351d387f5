import { builder } from '../platform/builder.ts';
import { connectionType } from '../platform/pagination.ts';
import type { BinKind } from './feature-binning.ts';
import {
  type ComparedBin,
  FEW_ROWS,
  FEW_ROWS_PER_BIN,
  type FeatureInCohort,
  type FeatureMovement,
} from './feature-movement.ts';
import { SMALLEST_SHARE } from './stability-index.ts';
import { top, topArguments, topCost } from './top-argument.ts';

const BIN_KINDS = {
  RANGE: {
    description:
      'Numbers from `lower` up to, but not including, `upper`; the last range that training gave includes it.',
  },
  CATEGORY: { description: 'One category that training saw.' },
  OTHER_CATEGORY: { description: 'Every category that training never saw.' },
  VALUE: { description: 'Any value: nothing fixed finer bins.' },
  NAN: { description: 'NaN; in a feature with a shape, in any element.' },
  ABSENT: { description: 'No value: null, missing, or not declared.' },
} satisfies Record<BinKind, { description: string }>;

const BinKindEnum = builder.enumType('FeatureBinKind', {
  description: 'What falls into a bin.',
  values: BIN_KINDS,
});

const ComparedBinRef = builder.objectRef<ComparedBin>('ComparedBin').implement({
  description:
    'A bin of a feature in both cohorts and in the training data. Shares are of the rows that fall into any bin: all but those whose value was erased or cannot be read.',
  fields: (t) => ({
    kind: t.field({
      type: BinKindEnum,
      description: 'What falls into it.',
      resolve: ({ kind }) => kind,
    }),
    lower: t.exposeFloat('lower', {
      nullable: true,
      description: 'Lower end of a range; null when it is open.',
    }),
    upper: t.exposeFloat('upper', {
      nullable: true,
      description: 'Upper end of a range; null when it is open.',
    }),
    category: t.exposeString('category', {
      nullable: true,
      description: 'The category of a bin that is one.',
    }),
    baseCount: t.exposeInt('baseCount', { description: 'Rows of the base.' }),
    headCount: t.exposeInt('headCount', { description: 'Rows of the head.' }),
    trainingCount: t.expose('trainingCount', {
      type: 'SafeInt',
      nullable: true,
      description: 'Values in the frozen training statistics; null when these have no bins.',
    }),
    baseShare: t.exposeFloat('baseShare', {
      nullable: true,
      description: 'Share of the base, from 0 to 1; null when it has no rows.',
    }),
    headShare: t.exposeFloat('headShare', {
      nullable: true,
      description: 'Share of the head, from 0 to 1; null when it has no rows.',
    }),
    trainingShare: t.exposeFloat('trainingShare', {
      nullable: true,
      description: 'Share of the training data, from 0 to 1; null when they are not known.',
    }),
    term: t.exposeFloat('term', {
      nullable: true,
      description: 'What the bin adds to `movement`, 0 or more; null when a cohort has no rows.',
    }),
  }),
});

const rate = (count: number, { size }: FeatureInCohort): number | null =>
  size === 0 ? null : count / size;

const FeatureInCohortRef = builder.objectRef<FeatureInCohort>('FeatureInCohort').implement({
  description:
    'A feature in one cohort. The counts from `presentCount` to `unreadableCount` add up to the size of the cohort; rates are shares of that size, null when it is 0.',
  fields: (t) => ({
    presentCount: t.int({
      description: 'A value was there; NaN is one.',
      resolve: ({ counts }) => counts.present,
    }),
    defaultedCount: t.int({
      description:
        'The model received the declared default. A default that is a value counts as one below.',
      resolve: ({ counts }) => counts.defaulted,
    }),
    nullCount: t.int({ description: 'Explicitly null.', resolve: ({ counts }) => counts.null }),
    missingCount: t.int({
      description: 'Absent from the record.',
      resolve: ({ counts }) => counts.missing,
    }),
    undeclaredCount: t.int({
      description: "The row's schema has no such feature.",
      resolve: ({ counts }) => counts.undeclared,
    }),
    erasedCount: t.int({
      description: 'Erased by request; in no bin.',
      resolve: ({ counts }) => counts.erased,
    }),
    unreadableCount: t.int({
      description: 'The row does not fit its schema, because it was altered; in no bin.',
      resolve: ({ counts }) => counts.unreadable,
    }),
    staleCount: t.int({
      description: 'Values older than the declared maximum age.',
      resolve: ({ counts }) => counts.stale,
    }),
    nanCount: t.int({
      description: 'Values that are NaN; of a feature with a shape, those with such an element.',
      resolve: ({ counts }) => counts.nan,
    }),
    infiniteCount: t.int({
      description:
        'Values that are infinite; of a feature with a shape, those with such an element and none that is NaN.',
      resolve: ({ counts }) => counts.infinite,
    }),
    nullElementCount: t.int({
      description:
        'Values of a feature with a shape that have a null element, and none that is NaN or infinite.',
      resolve: ({ counts }) => counts.withNullElements,
    }),
    unseenCount: t.int({
      description:
        'Values outside the range of the training data, infinities included, or categories that it lacks; NaN is counted by itself. 0 without statistics.',
      resolve: ({ counts }) => counts.unseen,
    }),
    absentRate: t.float({
      nullable: true,
      description: 'Share without a value: `nullCount`, `missingCount` and `undeclaredCount`.',
      resolve: (one) => rate(one.counts.null + one.counts.missing + one.counts.undeclared, one),
    }),
    nanRate: t.float({
      nullable: true,
      description: 'Share of `nanCount`.',
      resolve: (one) => rate(one.counts.nan, one),
    }),
    unseenRate: t.float({
      nullable: true,
      description: 'Share of `unseenCount`.',
      resolve: (one) => rate(one.counts.unseen, one),
    }),
    isAsTrained: t.exposeBoolean('isAsTrained', {
      nullable: true,
      description:
        'Whether every schema of the cohort gives the feature the type, shape and transformations that `baseline` was trained on. Where it does not, equal values mean something else. Null where either does not declare it.',
    }),
    psiFromTraining: t.exposeFloat('psiFromTraining', {
      nullable: true,
      description:
        'Population stability index from the training data to this cohort, defined as `psi`; null without frozen bins or rows.',
    }),
  }),
});

export const FeatureMovementRef = builder.objectRef<FeatureMovement>('FeatureMovement').implement({
  description:
    'How much a feature moved from the base to the head, over bins that the training data of `baseline` fixed. Everything is null for a feature that this caller may not see.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Feature name.' }),
    isRedacted: t.boolean({
      description: 'Whether it is sensitive and this caller lacks the scope `features:sensitive`.',
      resolve: ({ compared }) => compared === null,
    }),
    isSameMeaning: t.boolean({
      nullable: true,
      description:
        'Whether all schemas of both cohorts give it one type, shape and transformations. Where they do not, the numbers compare different things. Null where a cohort does not declare it.',
      resolve: ({ compared }) => compared?.isSameMeaning ?? null,
    }),
    isSmall: t.boolean({
      nullable: true,
      description: `Whether a cohort has fewer than ${FEW_ROWS} rows in the bins, or fewer than ${FEW_ROWS_PER_BIN} for each bin in use: chance alone then moves the numbers.`,
      resolve: ({ compared }) => compared?.isSmall ?? null,
    }),
    base: t.field({
      type: FeatureInCohortRef,
      nullable: true,
      description: 'The feature in the base.',
      resolve: ({ compared }) => compared?.base ?? null,
    }),
    head: t.field({
      type: FeatureInCohortRef,
      nullable: true,
      description: 'The feature in the head.',
      resolve: ({ compared }) => compared?.head ?? null,
    }),
    psi: t.float({
      nullable: true,
      description: `Population stability index over the frozen bins, 0 or more: Σ (head share − base share) · ln(head share / base share) (Siddiqi, 2006). NaN and absent values have bins of their own; a share below ${SMALLEST_SHARE} is taken for ${SMALLEST_SHARE}. Siddiqi reads 0.1 as a slight and 0.25 as a large shift. Null when nothing fixed bins (see \`note\`), or a cohort has no rows.`,
      resolve: ({ compared }) => (compared?.binning.note === null ? compared.movement : null),
    }),
    ks: t.float({
      nullable: true,
      description:
        'Kolmogorov–Smirnov statistic, from 0 to 1, at the frozen edges: the largest difference between the shares of values below an edge (Massey, 1951). Within a bin the distributions may differ more. Of values that can be ordered, so without NaN and absent ones. Null for other features, or without such values.',
      resolve: ({ compared }) => compared?.ks ?? null,
    }),
    totalVariation: t.float({
      nullable: true,
      description:
        'Total variation distance over the bins, from 0 to 1: half the sum of the differences of the shares. Null when a cohort has no rows.',
      resolve: ({ compared }) => compared?.totalVariation ?? null,
    }),
    movement: t.float({
      nullable: true,
      description:
        'What features are ranked by: `psi`, or where nothing fixed bins the same index over value, NaN and absent alone. Null when a cohort has no rows.',
      resolve: ({ compared }) => compared?.movement ?? null,
    }),
    movementUnderNoChange: t.float({
      nullable: true,
      description:
        'What `movement` is on average when nothing changed: (bins in use − 1)(1/n + 1/m) for n and m rows (Yurdakul and Naranjo, 2020). Null when a cohort has no rows.',
      resolve: ({ compared }) => compared?.movementUnderNoChange ?? null,
    }),
    note: t.string({
      nullable: true,
      description: 'Why nothing fixed bins; null when there are some.',
      resolve: ({ compared }) => compared?.binning.note ?? null,
    }),
    bins: t.field({
      type: [ComparedBinRef],
      nullable: true,
      description: 'The bins that add the most to `movement` first.',
      args: topArguments,
      complexity: topCost,
      resolve: ({ compared }, args) =>
        compared === null
          ? null
          : top(
              [...compared.bins].sort((a, b) => (b.term ?? 0) - (a.term ?? 0)),
              args,
            ),
    }),
  }),
});

export const FeatureMovementConnection = connectionType<FeatureMovement>(
  FeatureMovementRef,
  'FeatureMovement',
  'compared features',
);
