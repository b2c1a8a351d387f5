const TEXT = Symbol('JSON text');

/** A value of an answer that was written as JSON instead of being made first. */
export interface JsonText {
  readonly [TEXT]: string;
  readonly toJSON: () => unknown;
}

export const jsonText = (text: string): JsonText => ({
  [TEXT]: text,
  toJSON: () => JSON.parse(text) as unknown,
});

const isJsonText = (value: unknown): value is JsonText =>
  typeof value === 'object' && value !== null && TEXT in value;

/** A value of an answer as plain data, also when it was written as JSON. */
export const plainOf = (value: unknown): unknown => (isJsonText(value) ? value.toJSON() : value);

/** `JSON.stringify` of an object whose members may have been written. */
export const stringifyMembers = (object: Readonly<Record<string, unknown>>): string => {
  const members = Object.entries(object).map(([name, value]) => {
    const text = isJsonText(value) ? value[TEXT] : JSON.stringify(value);
    return `${JSON.stringify(name)}:${text}`;
  });
  return `{${members.join(',')}}`;
};
