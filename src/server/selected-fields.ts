import {
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getDirectiveValues,
  type InlineFragmentNode,
  isAbstractType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  typeFromAST,
} from 'graphql';

/** A valid query, and values of the variables that decide which of its fields are included. */
export interface Query {
  readonly schema: GraphQLSchema;
  readonly operation: OperationDefinitionNode;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  readonly conditions: Readonly<Record<string, unknown>>;
}

const isIncluded = ({ conditions }: Query, node: SelectionNode): boolean =>
  getDirectiveValues(GraphQLSkipDirective, node, conditions)?.if !== true &&
  getDirectiveValues(GraphQLIncludeDirective, node, conditions)?.if !== false;

const appliesTo = (
  { schema }: Query,
  type: GraphQLObjectType,
  { typeCondition }: FragmentDefinitionNode | InlineFragmentNode,
): boolean => {
  if (typeCondition === undefined) return true;
  const condition = typeFromAST(schema, typeCondition);
  return condition === type || (isAbstractType(condition) && schema.isSubType(condition, type));
};

/** The fields that are selected of an object of a type, by response name and in the order of the answer. */
export const selectedFields = (
  query: Query,
  type: GraphQLObjectType,
  selected: readonly (SelectionSetNode | undefined)[],
): ReadonlyMap<string, readonly [FieldNode, ...FieldNode[]]> => {
  const fields = new Map<string, [FieldNode, ...FieldNode[]]>();
  const spread = new Set<string>();
  const collect = (set: SelectionSetNode | undefined): void => {
    for (const node of set?.selections ?? []) {
      if (!isIncluded(query, node)) continue;
      if (node.kind === Kind.FIELD) {
        const name = (node.alias ?? node.name).value;
        const same = fields.get(name);
        if (same === undefined) fields.set(name, [node]);
        else same.push(node);
      } else if (node.kind === Kind.INLINE_FRAGMENT) {
        if (appliesTo(query, type, node)) collect(node.selectionSet);
      } else if (!spread.has(node.name.value)) {
        spread.add(node.name.value);
        const fragment = query.fragments[node.name.value];
        if (fragment !== undefined && appliesTo(query, type, fragment))
          collect(fragment.selectionSet);
      }
    }
  };
  selected.forEach(collect);
  return fields;
};
