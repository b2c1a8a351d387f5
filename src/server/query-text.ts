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
  type SelectionSetNode,
} from 'graphql';
import { isImmutableType } from '../platform/immutable-type.ts';
import { finderOf, infoOf, type Place } from './field-finder.ts';
import { failing, guarded, type Write } from './guarded-text.ts';
import { comma, type FieldWriter, membersText } from './members-text.ts';
import { isPromise, joined, thenText } from './promised-text.ts';
import { type Query, selectedFields } from './selected-fields.ts';

type Selected = readonly (SelectionSetNode | undefined)[];

interface Writer {
  readonly write: Write;
  /** Whether the text follows from the value alone, when that is immutable. */
  readonly isFixed: boolean;
}

const nameOf = ({ parent, field }: Place): string => `${parent.name}.${field.name}`;

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

const objectWriter = (query: Query, type: GraphQLObjectType, selected: Selected): Writer => {
  const fields = fieldWriters(query, type, selected);
  return {
    write: membersText(fields, isImmutableType(type)),
    isFixed: fields.every(({ isFixed }) => isFixed),
  };
};
