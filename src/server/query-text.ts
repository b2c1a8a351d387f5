import {
  defaultTypeResolver,
  type GraphQLAbstractType,
  type GraphQLLeafType,
  type GraphQLNonNull,
  type GraphQLNullableType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNullableType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  locatedError,
  type SelectionSetNode,
} from 'graphql';
import { isImmutableType } from '../platform/immutable-type.ts';
import { finderOf, infoOf, type Path, type Place, type Run } from './field-finder.ts';
import { keepText, keptText } from './kept-text.ts';
import { isPromise, joined, type Text, thenText } from './promised-text.ts';
import { type Query, selectedFields } from './selected-fields.ts';

type Selected = readonly (SelectionSetNode | undefined)[];

/** Writes a value as JSON; throws, or rejects, where a null would have to be written that may not be. */
type Write = (run: Run, value: unknown, path: Path) => Text;

/** The same of a field, by its object. */
type WriteField = (run: Run, source: unknown, prev: Path | undefined) => Text;

interface Writer {
  readonly write: Write;
  /** Whether the text follows from the value alone, when that is immutable. */
  readonly isFixed: boolean;
}

/** Writes a field of the object that it is given. */
export interface FieldWriter {
  readonly name: string;
  readonly write: WriteField;
  readonly isFixed: boolean;
}

const nameOf = ({ parent, field }: Place): string => `${parent.name}.${field.name}`;

const NOWHERE: Path = { prev: undefined, key: '', typename: undefined };

const keysOf = (path: Path | undefined): (string | number)[] =>
  path === undefined ? [] : [...keysOf(path.prev), path.key];

/** Notes an error and writes null where that may be; lets it rise to the next place where it may otherwise. */
const failing =
  ({ nodes }: Place, type: GraphQLOutputType) =>
  (run: Run, error: unknown, path: Path): string => {
    const located = locatedError(error, nodes, keysOf(path));
    if (isNonNullType(type)) throw located;
    run.errors.push(located);
    return 'null';
  };

/**
 * Writes what `find` gives, which may have to be waited for; `fail` says what is written when that goes wrong. Of a leaf
 * only an error needs its path.
 */
const guarded =
  (
    find: (run: Run, source: unknown, path: Path) => unknown,
    write: Write,
    fail: (run: Run, error: unknown, path: Path) => string,
    needsPath: boolean,
  ) =>
  (
    run: Run,
    source: unknown,
    prev: Path | undefined,
    key: string | number,
    typename?: string,
  ): Text => {
    const path = needsPath ? { prev, key, typename } : NOWHERE;
    const failed = (error: unknown) => fail(run, error, needsPath ? path : { prev, key, typename });
    try {
      const value = find(run, source, path);
      const text = isPromise(value)
        ? Promise.resolve(value).then((one) => write(run, one, path))
        : write(run, value, path);
      return typeof text === 'string' ? text : text.catch(failed);
    } catch (error) {
      return failed(error);
    }
  };

const leafWriter =
  (type: GraphQLLeafType): Write =>
  (_, value) => {
    const serialized: unknown = type.serialize(value);
    if (serialized !== undefined && serialized !== null) return JSON.stringify(serialized);
    throw new Error(`${type.name} cannot be written of ${String(value)}.`);
  };

const writerOf = (query: Query, place: Place, type: GraphQLOutputType): Writer => {
  if (isNonNullType(type)) {
    const { write, isFixed } = writerOf(query, place, type.ofType);
    const present = (text: string): string => {
      if (text !== 'null') return text;
      throw new Error(`Cannot return null for non-nullable field ${nameOf(place)}.`);
    };
    return { isFixed, write: (run, value, path) => thenText(write(run, value, path), present) };
  }
  const { write, isFixed } = writerOfPresent(query, place, type);
  return {
    isFixed,
    write: (run, value, path) => {
      if (value instanceof Error) throw value;
      return value === null || value === undefined ? 'null' : write(run, value, path);
    },
  };
};

const writerOfPresent = (
  query: Query,
  place: Place,
  type: Exclude<GraphQLOutputType, GraphQLNonNull<GraphQLNullableType>>,
): Writer => {
  if (isLeafType(type)) return { write: leafWriter(type), isFixed: true };
  if (isListType(type)) return listWriter(query, place, type.ofType);
  const selected = place.nodes.map(({ selectionSet }) => selectionSet);
  return isObjectType(type)
    ? objectWriter(query, type, selected)
    : abstractWriter(query, place, type, selected);
};

const LIST = ['[', ']'] as const;
const OBJECT = ['{', '}'] as const;
const MEMBERS = ['', ''] as const;

const comma = (index: number): string => (index === 0 ? '' : ',');

const listWriter = (query: Query, place: Place, type: GraphQLOutputType): Writer => {
  const { write, isFixed } = writerOf(query, place, type);
  const writeItem = guarded((_, item) => item, write, failing(place, type), true);
  const writeList: Write = (run, list, prev) => {
    if (!Array.isArray(list)) {
      throw new Error(`Expected Iterable, but did not find one for field "${nameOf(place)}".`);
    }
    return joined(LIST, list, comma, (item, key) => writeItem(run, item, prev, key));
  };
  return { write: writeList, isFixed };
};

const abstractWriter = (
  query: Query,
  place: Place,
  type: GraphQLAbstractType,
  selected: Selected,
): Writer => {
  const writers = new Map<string, Write>();
  const typeOf = type.resolveType ?? defaultTypeResolver;
  const writerFor = (name: string | undefined): Write => {
    const known = writers.get(name ?? '');
    if (known !== undefined) return known;
    const found = query.schema.getType(name ?? '');
    if (!isObjectType(found) || !query.schema.isSubType(type, found)) {
      throw new Error(`A value of ${nameOf(place)} is no ${type.name}.`);
    }
    const { write } = objectWriter(query, found, selected);
    writers.set(found.name, write);
    return write;
  };
  const write: Write = (run, value, path) => {
    const name = typeOf(value, run.context, infoOf(query, place, run, path), type);
    return isPromise(name)
      ? Promise.resolve(name).then((one) => writerFor(one)(run, value, path))
      : writerFor(name)(run, value, path);
  };
  return { write, isFixed: false };
};

const fieldWriter = (query: Query, place: Place, name: string): FieldWriter => {
  const { find, isFixed, takesInfo } = finderOf(query, place);
  const { type } = place.field;
  const writer = writerOf(query, place, type);
  const needsPath = takesInfo || !isLeafType(getNullableType(type));
  const writeField = guarded(find, writer.write, failing(place, type), needsPath);
  const typename = place.parent.name;
  return {
    name,
    isFixed: isFixed && writer.isFixed,
    write: (run, source, prev) => writeField(run, source, prev, name, typename),
  };
};

/** Writers of what a query selects of objects of a type, in the order of the answer. */
export const fieldWriters = (
  query: Query,
  parent: GraphQLObjectType,
  selected: Selected,
): readonly FieldWriter[] =>
  [...selectedFields(query, parent, selected)].map(([name, nodes]) => {
    const field = parent.getFields()[nodes[0].name.value];
    return field === undefined
      ? // All that a valid query selects beside the fields of a type is `__typename`.
        { name, isFixed: true, write: () => JSON.stringify(parent.name) }
      : fieldWriter(query, { parent, field, nodes }, name);
  });

/** Writes what follows from an immutable object alone, once. */
const once = (write: WriteField): WriteField => {
  const part = {};
  return (run, source, path) => {
    const known = keptText(source as object, part);
    if (known !== undefined) return known;
    const before = run.errors.length;
    const text = write(run, source, path);
    if (typeof text === 'string' && run.errors.length === before) {
      keepText(source as object, part, text);
    }
    return text;
  };
};

/** What an object has, with what stands before it. */
interface Member {
  readonly head: string;
  readonly write: WriteField;
}

const membersOf = (fields: readonly FieldWriter[]): readonly Member[] =>
  fields.map(({ name, write }, index) => ({
    head: `${comma(index)}${JSON.stringify(name)}:`,
    write,
  }));

const membersWriter =
  (brackets: readonly [string, string], members: readonly Member[]): WriteField =>
  (run, source, path) =>
    joined(
      brackets,
      members,
      (index) => members[index]?.head ?? '',
      ({ write }) => write(run, source, path),
    );

/** The fields of an immutable object, those that stand side by side and are fixed as one member. */
const immutableMembers = (fields: readonly FieldWriter[]): readonly Member[] => {
  const groups: FieldWriter[][] = [];
  for (const field of fields) {
    const last = groups.at(-1);
    if (last?.[0]?.isFixed === field.isFixed) last.push(field);
    else groups.push([field]);
  }
  return groups.map((group, index) => {
    const write = membersWriter(MEMBERS, membersOf(group));
    return { head: comma(index), write: group[0]?.isFixed === true ? once(write) : write };
  });
};

const objectWriter = (query: Query, type: GraphQLObjectType, selected: Selected): Writer => {
  const fields = fieldWriters(query, type, selected);
  const members = isImmutableType(type) ? immutableMembers(fields) : membersOf(fields);
  return {
    write: membersWriter(OBJECT, members),
    isFixed: fields.every(({ isFixed }) => isFixed),
  };
};
