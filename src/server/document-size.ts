import {
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  type SelectionSetNode,
} from 'graphql';

/** How large a document is with its fragments written out; the largest operation counts. */
export interface DocumentSize {
  /** Levels of nested fields. */
  readonly depth: number;
  readonly aliases: number;
  readonly directives: number;
}

const NOTHING: DocumentSize = { depth: 0, aliases: 0, directives: 0 };

/** Measures a parsed document. Linear in its length, however often fragments spread fragments. */
export const documentSize = (document: DocumentNode): DocumentSize => {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION)
      fragments.set(definition.name.value, definition);
  }
  const sizes = new Map<string, DocumentSize>();

  const fragmentSize = (name: string): DocumentSize => {
    const known = sizes.get(name);
    if (known !== undefined) return known;
    // A fragment that spreads itself is refused by validation; here it only must not recurse.
    sizes.set(name, NOTHING);
    const fragment = fragments.get(name);
    if (fragment === undefined) return NOTHING;
    const size = sum(selectionSize(fragment.selectionSet), fragment.directives?.length);
    sizes.set(name, size);
    return size;
  };

  const selectionSize = (selections: SelectionSetNode | undefined): DocumentSize => {
    let size = NOTHING;
    for (const selection of selections?.selections ?? []) {
      if (selection.kind === Kind.FIELD) {
        const inner = selectionSize(selection.selectionSet);
        const own = {
          ...inner,
          depth: inner.depth + 1,
          aliases: inner.aliases + (selection.alias === undefined ? 0 : 1),
        };
        size = together(size, sum(own, selection.directives?.length));
      } else {
        const inner =
          selection.kind === Kind.FRAGMENT_SPREAD
            ? fragmentSize(selection.name.value)
            : selectionSize(selection.selectionSet);
        size = together(size, sum(inner, selection.directives?.length));
      }
    }
    return size;
  };

  let largest = NOTHING;
  for (const operation of document.definitions) {
    if (operation.kind !== Kind.OPERATION_DEFINITION) continue;
    const declared = (operation.variableDefinitions ?? []).reduce(
      (count, variable) => count + (variable.directives?.length ?? 0),
      operation.directives?.length ?? 0,
    );
    largest = maximum(largest, sum(selectionSize(operation.selectionSet), declared));
  }
  return largest;
};

// Fragments that spread fragments double these at each level; beyond this they would stop being integers.
const bounded = (count: number): number => Math.min(count, Number.MAX_SAFE_INTEGER);

const sum = (size: DocumentSize, directives = 0): DocumentSize => ({
  ...size,
  directives: bounded(size.directives + directives),
});

const together = (one: DocumentSize, other: DocumentSize): DocumentSize => ({
  depth: Math.max(one.depth, other.depth),
  aliases: bounded(one.aliases + other.aliases),
  directives: bounded(one.directives + other.directives),
});

const maximum = (one: DocumentSize, other: DocumentSize): DocumentSize => ({
  depth: Math.max(one.depth, other.depth),
  aliases: Math.max(one.aliases, other.aliases),
  directives: Math.max(one.directives, other.directives),
});
