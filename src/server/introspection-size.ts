import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql';

/** How many items a list of introspection has in this schema, by the field that gives it. */
export type ListLengths = ReadonlyMap<string, number>;

const mean = (lengths: readonly number[]): number =>
  Math.ceil(lengths.reduce((sum, length) => sum + length, 0) / Math.max(lengths.length, 1));

/** Lists that there is one of in full length, others on average. */
export const listLengths = (schema: GraphQLSchema): ListLengths => {
  const types = Object.values(schema.getTypeMap());
  const composite = types.filter((type) => isObjectType(type) || isInterfaceType(type));
  const fields = composite.map((type) => Object.values(type.getFields()));
  return new Map([
    ['types', types.length],
    ['directives', schema.getDirectives().length],
    ['fields', mean(fields.map(({ length }) => length))],
    ['args', mean(fields.flat().map(({ args }) => args.length))],
    ['interfaces', mean(composite.map((type) => type.getInterfaces().length))],
    [
      'possibleTypes',
      mean(types.filter(isInterfaceType).map((type) => schema.getPossibleTypes(type).length)),
    ],
    ['enumValues', mean(types.filter(isEnumType).map((type) => type.getValues().length))],
    [
      'inputFields',
      mean(types.filter(isInputObjectType).map((type) => Object.keys(type.getFields()).length)),
    ],
  ]);
};

const ROOTS: readonly string[] = ['__schema', '__type'];

/** Fields that an operation of a document gets of the schema itself, about; of the operation that asks for most. */
export const introspectionSize = (document: DocumentNode, lengths: ListLengths): number => {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION)
      fragments.set(definition.name.value, definition);
  }
  const known = new Map<string, number>();

  const sizeOf = (selections: SelectionSetNode | undefined, isWithin: boolean): number => {
    let size = 0;
    for (const selection of selections?.selections ?? []) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        size += fragmentSize(selection.name.value, isWithin);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        size += sizeOf(selection.selectionSet, isWithin);
      } else if (isWithin || ROOTS.includes(selection.name.value)) {
        const items = isWithin ? (lengths.get(selection.name.value) ?? 1) : 1;
        size += 1 + items * sizeOf(selection.selectionSet, true);
      }
    }
    return size;
  };
  const fragmentSize = (name: string, isWithin: boolean): number => {
    const key = `${name} ${isWithin}`;
    const size = known.get(key);
    if (size !== undefined) return size;
    // A fragment that spreads itself is refused by validation; here it only must not recurse.
    known.set(key, 0);
    const computed = sizeOf(fragments.get(name)?.selectionSet, isWithin);
    known.set(key, computed);
    return computed;
  };

  return document.definitions.reduce(
    (most, definition) =>
      definition.kind === Kind.OPERATION_DEFINITION
        ? Math.max(most, sizeOf(definition.selectionSet, false))
        : most,
    0,
  );
};
