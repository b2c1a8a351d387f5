import type { FeatureType } from '../evidence/feature-field.ts';
import { floatCondition, integerCondition, stringCondition } from './comparators.ts';
import { shortestFp32 } from './feature-lexical.ts';
import type { FeatureOccurrence } from './feature-occurrences.ts';
import { STATUS_BYTE } from './feature-status.ts';
import type { FeatureFilterShape } from './prediction-filter-input.ts';
import { allOf, anyOf, type Condition, fixed, not } from './sql-condition.ts';

type FeatureCondition = FeatureFilterShape['is'];

/** Types that each kind of condition is for. */
const FITTING = {
  float: ['FP32', 'FP64'],
  integer: ['INT64'],
  boolean: ['BOOL'],
  string: ['STRING'],
  timestamp: ['TIMESTAMP'],
  missing: ['BOOL', 'INT64', 'FP32', 'FP64', 'STRING', 'TIMESTAMP'],
} as const satisfies Record<keyof FeatureCondition, readonly FeatureType[]>;

const KINDS = Object.keys(FITTING) as (keyof typeof FITTING)[];

const kindOf = (is: FeatureCondition) => KINDS.find((kind) => is[kind] != null) ?? 'missing';

const fits = (kind: keyof typeof FITTING, type: FeatureType): boolean =>
  FITTING[kind].some((fitting) => fitting === type);

/** Why a condition can match no record, whichever schema that was built with; null when it can match some. */
export const misfitReason = (
  { name, is }: FeatureFilterShape,
  occurrences: readonly FeatureOccurrence[],
): string | null => {
  const kind = kindOf(is);
  const scalars = occurrences.filter(({ field }) => field.shape.length === 0);
  if (scalars.some(({ field }) => fits(kind, field.type))) return null;
  const quoted = JSON.stringify(name);
  if (scalars.length === 0) {
    const shape = occurrences[0]?.field.shape.join(', ');
    return `${quoted} has the shape [${shape}]; only features of one value can be searched.`;
  }
  const types = [...new Set(scalars.map(({ field }) => field.type))].sort();
  const kinds = KINDS.filter((other) => types.some((type) => fits(other, type)));
  const remedy = kinds.map((other) => `\`${other}\``).join(' or ');
  return `${quoted} is ${types.join(' or ')}, which \`${kind}\` does not compare; use ${remedy}.`;
};

/** Occurrences at the same place with the same type, which one expression reads. */
const groupsOf = (
  occurrences: readonly FeatureOccurrence[],
): readonly (readonly [FeatureOccurrence, ...FeatureOccurrence[]])[] => {
  const groups = new Map<string, [FeatureOccurrence, ...FeatureOccurrence[]]>();
  for (const occurrence of occurrences) {
    const { field, offset, position } = occurrence;
    const key = `${field.type} ${offset} ${position}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [occurrence]);
    else group.push(occurrence);
  }
  return [...groups.values()];
};

const builtWithAny =
  (occurrences: readonly FeatureOccurrence[]): Condition =>
  (parameter) =>
    `l.feature_schema_id = ANY(${parameter(
      occurrences.map(({ featureSchemaId }) => featureSchemaId),
      'int[]',
    )})`;

// Arrays of SQL begin at 1.
const slotOf = ({ column, offset }: FeatureOccurrence): string => `l.${column}[${offset + 1}]`;

// FP32 is stored as the double it is, and shown as a shorter text: 0.1 is asked for, 0.10000000149011612 stands there.
const singleOf = (value: number | null | undefined): number | null => {
  if (value == null) return null;
  const single = Math.fround(value);
  return shortestFp32(single) === value ? single : value;
};

const valueCondition = (is: FeatureCondition, occurrence: FeatureOccurrence): Condition => {
  const slot = slotOf(occurrence);
  if (is.float != null) {
    const { eq, gt, gte, lt, lte } = is.float;
    const singles = {
      eq: singleOf(eq),
      gt: singleOf(gt),
      gte: singleOf(gte),
      lt: singleOf(lt),
      lte: singleOf(lte),
    };
    return floatCondition(
      slot,
      occurrence.field.type === 'FP32' ? { ...is.float, ...singles } : is.float,
    );
  }
  if (is.integer != null) return integerCondition(slot, is.integer);
  if (is.string != null) return stringCondition(slot, is.string);
  if (is.boolean != null) return fixed(`${slot} = ${is.boolean ? 1 : 0}`);
  if (is.timestamp != null) {
    const { from, to } = is.timestamp;
    return integerCondition(slot, {
      gte: from == null ? null : BigInt(from),
      lt: to == null ? null : BigInt(to),
    });
  }
  return is.missing === true ? missingAt(occurrence) : fixed(`${slot} IS NOT NULL`);
};

/** Null and not erased. No status where every value is present; `substring` of one never fails. */
const missingAt = (occurrence: FeatureOccurrence): Condition => {
  const status = `substring(l.statuses FROM ${occurrence.position + 1} FOR 1)`;
  const erased = `'\\x0${STATUS_BYTE.ERASED}'::bytea`;
  return fixed(`${slotOf(occurrence)} IS NULL AND ${status} IS DISTINCT FROM ${erased}`);
};

/** The condition on rows `l`: one alternative for each place at which a fitting feature of this name stands. */
export const featureCondition = (
  { is }: FeatureFilterShape,
  occurrences: readonly FeatureOccurrence[],
): Condition => {
  const kind = kindOf(is);
  const fitting = occurrences.filter(
    ({ field }) => field.shape.length === 0 && fits(kind, field.type),
  );
  const alternatives = groupsOf(fitting).map((group) =>
    allOf([builtWithAny(group), valueCondition(is, group[0])]),
  );
  return is.missing === true
    ? anyOf([not(builtWithAny(occurrences)), ...alternatives])
    : anyOf(alternatives);
};
