import type { GraphQLNamedType, GraphQLResolveInfo } from 'graphql';
import type { Actor, Context, Scope } from './context.ts';
import { forbidden } from './forbidden.ts';
import { allowsModel } from './model-pattern.ts';

/** The name of the model that a value of a type belongs to. */
export type ModelOf = (value: never, context: Context) => string | Promise<string>;

/** What a caller needs to select a field, or any field that gives a type. */
export interface Needs {
  readonly scopes: readonly Scope[];
  /** Whether who is restricted to models may have it: it tells nothing of other models, or its values are checked. */
  readonly isWithinModels: boolean;
  /** Present on types whose values belong to a model: others are then kept from who is restricted. */
  readonly modelOf?: ModelOf;
}

/** A type and no interface, which Pothos would not take for a record. */
type NeedsExtension = { readonly needs: Needs };

/** The scopes that a field or type needs. Who is restricted to models is refused. */
export const needs = (...scopes: readonly Scope[]): NeedsExtension => ({
  needs: { scopes, isWithinModels: false },
});

/** The same of what tells who is restricted to models nothing of other models. */
export const needsWithinModels = (...scopes: readonly Scope[]): NeedsExtension => ({
  needs: { scopes, isWithinModels: true },
});

/** The same of a type whose values belong to one model each. */
export const needsModel = <Value>(
  modelOf: (value: Value, context: Context) => string | Promise<string>,
  ...scopes: readonly Scope[]
): NeedsExtension => ({ needs: { scopes, isWithinModels: true, modelOf } });

/** What a field or type says that it needs; null when it says nothing. */
export const statedNeeds = ({
  extensions,
}: {
  readonly extensions: Readonly<Record<string, unknown>>;
}): Needs | null => (extensions as Partial<NeedsExtension>).needs ?? null;

/** Whether a value of a type is one that an actor may see, as far as models go. */
export const isOfAllowedModel = async (
  context: Context,
  { modelOf }: Needs,
  value: unknown,
): Promise<boolean> => {
  const { models } = context.actor;
  return (
    models === null ||
    modelOf === undefined ||
    allowsModel(models, await modelOf(value as never, context))
  );
};

/** What the type of an object that is known at run time only needs: refuses a type that says nothing. */
export const assertMaySeeType = (
  { scopes, models }: Actor,
  type: Pick<GraphQLNamedType, 'name' | 'extensions'> | undefined,
): Needs => {
  const stated = type === undefined ? null : statedNeeds(type);
  const place = type?.name ?? 'This object';
  if (stated === null) throw forbidden(place, []);
  const missing = stated.scopes.filter((scope) => !scopes.has(scope));
  if (missing.length > 0) throw forbidden(place, missing);
  if (models !== null && !stated.isWithinModels) throw forbidden(place, []);
  return stated;
};

interface GlobalId {
  readonly typename: string;
}

/** Looks an object up by its global ID; what the caller may not see is refused before it is known whether it exists. */
export const loadVisibleNode = async (
  { typename }: GlobalId,
  context: Context,
  { schema }: GraphQLResolveInfo,
  load: () => unknown,
): Promise<unknown> => {
  const stated = assertMaySeeType(context.actor, schema.getType(typename));
  const found = await load();
  return found == null || (await isOfAllowedModel(context, stated, found)) ? found : null;
};
