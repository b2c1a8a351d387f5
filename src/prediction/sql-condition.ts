/** Adds a value to a statement and returns its place, such as `$3::float8`. */
export type Parameter = (value: unknown, type: string) => string;

/** A condition on a row, as SQL. Where it is unknown, because something is null, the row does not match. */
export type Condition = (parameter: Parameter) => string;

/** A condition without values. */
export const fixed =
  (sql: string): Condition =>
  () =>
    sql;

const joined =
  (conditions: readonly Condition[], word: string, none: string): Condition =>
  (parameter) =>
    conditions.map((condition) => `(${condition(parameter)})`).join(` ${word} `) || none;

export const allOf = (conditions: readonly Condition[]): Condition =>
  joined(conditions, 'AND', 'TRUE');

export const anyOf = (conditions: readonly Condition[]): Condition =>
  joined(conditions, 'OR', 'FALSE');

/**
 * The exact complement: it holds wherever the condition does not, unknown included. AND and OR cannot turn unknown into
 * true, so deciding it here alone gives every tree of conditions two values.
 */
export const not =
  (condition: Condition): Condition =>
  (parameter) =>
    `(${condition(parameter)}) IS NOT TRUE`;

/** The condition on a value that is given; none on one that is not. */
export const whereGiven = <Value>(
  value: Value | null | undefined,
  condition: (value: Value) => Condition,
): readonly Condition[] => (value == null ? [] : [condition(value)]);

/** The values of a statement under construction. */
export const parameterList = (): {
  readonly values: readonly unknown[];
  readonly parameter: Parameter;
} => {
  const values: unknown[] = [];
  return { values, parameter: (value, type) => `$${values.push(value)}::${type}` };
};
