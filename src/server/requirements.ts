import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import type { Scope } from '../platform/context.ts';
import { type Needs, statedNeeds } from '../platform/needs.ts';

/** What an operation needs as a whole, whatever its variables are. */
export interface Requirements {
  /** Each scope with the first field that needs it. */
  readonly scopes: ReadonlyMap<Scope, string>;
  /** A field that is not for who is restricted to models; null when there is none. */
  readonly beyondModels: string | null;
  /** A root field that does not say what it needs, so that nobody may ask for it. */
  readonly undeclared: string | null;
  readonly asksForSchema: boolean;
}

/** Of a page the type of what is on it: a page needs what its items need. */
const itemType = (schema: GraphQLSchema, type: GraphQLNamedType): GraphQLNamedType => {
  const item = /^(.+?)(Connection|Edge)$/.exec(type.name)?.[1];
  return (item === undefined ? undefined : schema.getType(item)) ?? type;
};

const isPage = ({ name }: GraphQLNamedType): boolean => /(Connection|Edge)$/.test(name);

/** Everything that applies to a field: what it says, and what the types say that it belongs to and gives. */
export const fieldNeeds = (
  schema: GraphQLSchema,
  parent: GraphQLNamedType,
  field: GraphQLField<unknown, unknown>,
): {
  readonly scopes: readonly Scope[];
  readonly isWithinModels: boolean;
  readonly isDeclared: boolean;
} => {
  const given = getNamedType(field.type);
  const own = statedNeeds(field);
  const ofTypes = [itemType(schema, given), itemType(schema, parent)]
    .map(statedNeeds)
    .filter((stated): stated is Needs => stated !== null);
  const isRoot = [
    schema.getQueryType(),
    schema.getMutationType(),
    schema.getSubscriptionType(),
  ].some((root) => root === parent);
  // Only the field can tell how a page was filtered, and what an object of any type can be.
  const mustSayIt = isRoot || (isPage(given) && !isPage(parent)) || isInterfaceType(given);
  return {
    scopes: [...(own?.scopes ?? []), ...ofTypes.flatMap(({ scopes }) => scopes)],
    isWithinModels:
      own?.isWithinModels ?? (!mustSayIt && ofTypes.every((type) => type.isWithinModels)),
    isDeclared: own !== null || !isRoot,
  };
};

/** Walks what an operation selects, through every fragment, and sums up what it needs. */
export const requirementsOf = (
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): Requirements => {
  const scopes = new Map<Scope, string>();
  const fragments = new Map(
    document.definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition]] : [],
    ),
  );
  let beyondModels: string | null = null;
  let undeclared: string | null = null;
  let asksForSchema = false;
  const types = new TypeInfo(schema);
  const waiting: (OperationDefinitionNode | FragmentDefinitionNode)[] = [operation];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    visit(
      node,
      visitWithTypeInfo(types, {
        FragmentSpread: ({ name }) => {
          const fragment = fragments.get(name.value);
          fragments.delete(name.value);
          if (fragment !== undefined) waiting.push(fragment);
        },
        Field: ({ name }) => {
          const parent = types.getParentType();
          const field = types.getFieldDef();
          if (name.value === '__schema' || name.value === '__type') asksForSchema = true;
          // What the specification has in every type, and what belongs to introspection.
          if (!field || parent === null || parent === undefined || name.value.startsWith('__'))
            return;
          if (parent.name.startsWith('__')) return;
          const place = `${parent.name}.${field.name}`;
          const stated = fieldNeeds(schema, parent, field);
          for (const scope of stated.scopes) if (!scopes.has(scope)) scopes.set(scope, place);
          if (!stated.isDeclared) undeclared ??= place;
          if (!stated.isWithinModels && isObjectType(parent)) beyondModels ??= place;
        },
      }),
    );
  }
  return { scopes, beyondModels, undeclared, asksForSchema };
};
