import { builder } from './builder.ts';
import type { JsonValue } from './canonical-json.ts';

/** One difference between two JSON documents. */
export interface ValueChange {
  readonly kind: 'ADDED' | 'REMOVED' | 'CHANGED';
  /** RFC 6901 JSON Pointer. */
  readonly pointer: string;
  readonly before: JsonValue;
  readonly after: JsonValue;
}

const isObject = (value: JsonValue): value is { readonly [key: string]: JsonValue } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const pointerToken = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

/** Differences of two JSON documents, deepest places first named, in document order. */
export const valueChanges = (
  before: JsonValue,
  after: JsonValue,
  pointer = '',
): readonly ValueChange[] => {
  if (Array.isArray(before) && Array.isArray(after)) {
    return memberChanges(Object.entries(before), Object.entries(after), pointer);
  }
  if (isObject(before) && isObject(after)) {
    return memberChanges(Object.entries(before), Object.entries(after), pointer);
  }
  return JSON.stringify(before) === JSON.stringify(after)
    ? []
    : [{ kind: 'CHANGED', pointer, before, after }];
};

const memberChanges = (
  olds: readonly [string, JsonValue][],
  news: readonly [string, JsonValue][],
  pointer: string,
): readonly ValueChange[] => {
  const before = new Map(olds);
  const after = new Map(news);
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names.flatMap((name): readonly ValueChange[] => {
    const place = `${pointer}/${pointerToken(name)}`;
    const old = before.get(name);
    const value = after.get(name);
    if (old === undefined)
      return [{ kind: 'ADDED', pointer: place, before: null, after: value ?? null }];
    if (value === undefined) return [{ kind: 'REMOVED', pointer: place, before: old, after: null }];
    return valueChanges(old, value, place);
  });
};

export const ChangeKindEnum = builder.enumType('ChangeKind', {
  description: 'Kind of difference.',
  values: {
    ADDED: { description: 'Present only in the head.' },
    REMOVED: { description: 'Present only in the base.' },
    CHANGED: { description: 'Present in both, with different values.' },
  } as const,
});

export const ValueChangeRef = builder.objectRef<ValueChange>('ValueChange').implement({
  description: 'Difference of one JSON value.',
  fields: (t) => ({
    kind: t.field({
      type: ChangeKindEnum,
      description: 'Kind of difference.',
      resolve: ({ kind }) => kind,
    }),
    pointer: t.exposeString('pointer', { description: 'RFC 6901 JSON Pointer to the value.' }),
    before: t.field({
      type: 'JSON',
      nullable: true,
      description: 'Value in the base; null when added.',
      resolve: ({ before }) => before,
    }),
    after: t.field({
      type: 'JSON',
      nullable: true,
      description: 'Value in the head; null when removed.',
      resolve: ({ after }) => after,
    }),
  }),
});
