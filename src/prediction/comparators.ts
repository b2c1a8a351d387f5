import { builder } from '../platform/builder.ts';
import { allOf, type Condition, fixed, whereGiven } from './sql-condition.ts';

/** Most values that a list in a filter may have. */
export const MAX_VALUES = 100;

export const StringComparator = builder.inputType('StringComparator', {
  description:
    'Compares a text, byte for byte and with case. All given conditions must hold; a text that is absent fulfils none.',
  fields: (t) => ({
    eq: t.string({ description: 'Equal to.' }),
    in: t.stringList({ description: `Equal to one of these: 1 to ${MAX_VALUES} values.` }),
    startsWith: t.string({
      description: 'Starts with exactly these characters; there are no wildcards.',
    }),
  }),
});

export const FloatComparator = builder.inputType('FloatComparator', {
  description:
    'Compares a number as IEEE 754 does: all given conditions must hold; NaN is neither equal to, greater nor less than any number, infinities are greater or less than every other one, and -0 equals 0. A number that is absent fulfils no condition.',
  fields: (t) => ({
    eq: t.float({ description: 'Equal to.' }),
    gt: t.float({ description: 'Greater than.' }),
    gte: t.float({ description: 'Greater than or equal to.' }),
    lt: t.float({ description: 'Less than.' }),
    lte: t.float({ description: 'Less than or equal to.' }),
    isNaN: t.boolean({
      description: '`true`: is NaN. `false`: is any number, infinities included.',
    }),
  }),
});

export const IntegerComparator = builder.inputType('IntegerComparator', {
  description:
    'Compares an integer exactly, to every digit. All given conditions must hold; an integer that is absent fulfils none.',
  fields: (t) => ({
    eq: t.field({ type: 'BigInt', description: 'Equal to.' }),
    gt: t.field({ type: 'BigInt', description: 'Greater than.' }),
    gte: t.field({ type: 'BigInt', description: 'Greater than or equal to.' }),
    lt: t.field({ type: 'BigInt', description: 'Less than.' }),
    lte: t.field({ type: 'BigInt', description: 'Less than or equal to.' }),
  }),
});

export type StringComparison = typeof StringComparator.$inferInput;
export type FloatComparison = typeof FloatComparator.$inferInput;
export type IntegerComparison = typeof IntegerComparator.$inferInput;

/** A text column compared; `starts_with` knows no wildcards, so nothing needs escaping. */
export const stringCondition = (column: string, comparison: StringComparison): Condition =>
  allOf([
    ...whereGiven(comparison.eq, (text) => (parameter) => `${column} = ${parameter(text, 'text')}`),
    ...whereGiven(
      comparison.in,
      (texts) => (parameter) => `${column} = ANY(${parameter(texts, 'text[]')})`,
    ),
    ...whereGiven(
      comparison.startsWith,
      (text) => (parameter) => `starts_with(${column}, ${parameter(text, 'text')})`,
    ),
  ]);

/** A `float8` column compared. PostgreSQL sorts NaN above Infinity, so what has no upper bound needs one. */
export const floatCondition = (column: string, comparison: FloatComparison): Condition => {
  const is =
    (operator: string) =>
    (value: number): Condition =>
    (parameter) =>
      `${column} ${operator} ${parameter(value, 'float8')}`;
  const isNumber = fixed(`${column} <= 'Infinity'::float8`);
  return allOf([
    ...whereGiven(comparison.eq, is('=')),
    ...whereGiven(comparison.gt, (value) => allOf([is('>')(value), isNumber])),
    ...whereGiven(comparison.gte, (value) => allOf([is('>=')(value), isNumber])),
    ...whereGiven(comparison.lt, is('<')),
    ...whereGiven(comparison.lte, is('<=')),
    ...whereGiven(comparison.isNaN, (wanted) =>
      wanted ? fixed(`${column} = 'NaN'::float8`) : isNumber,
    ),
  ]);
};

/** An `int8` column compared; what `int8` cannot hold is compared as `numeric`. */
export const integerCondition = (column: string, comparison: IntegerComparison): Condition => {
  const is =
    (operator: string) =>
    (value: bigint): Condition =>
    (parameter) =>
      `${column} ${operator} ${parameter(String(value), BigInt.asIntN(64, value) === value ? 'int8' : 'numeric')}`;
  return allOf([
    ...whereGiven(comparison.eq, is('=')),
    ...whereGiven(comparison.gt, is('>')),
    ...whereGiven(comparison.gte, is('>=')),
    ...whereGiven(comparison.lt, is('<')),
    ...whereGiven(comparison.lte, is('<=')),
  ]);
};
