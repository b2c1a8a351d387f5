import {
  defaultFieldResolver,
  defaultTypeResolver,
  type GraphQLField,
  type GraphQLInterfaceType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isObjectType,
} from 'graphql';
import type { Context } from './context.ts';
import { assertMaySeeType, isOfAllowedModel, type Needs, statedNeeds } from './needs.ts';

/** Of what an object turns out to be, only at run time can it be known whether the caller may see it. */
const guardAbstract = (field: GraphQLField<unknown, Context>, type: GraphQLInterfaceType): void => {
  const resolve = field.resolve ?? defaultFieldResolver;
  const nameOf = type.resolveType ?? defaultTypeResolver;
  field.resolve = async (source, args, context, info) => {
    const result: unknown = await resolve(source, args, context, info);
    for (const item of Array.isArray(result) ? result : [result]) {
      const value: unknown = await item;
      if (value == null || value instanceof Error) continue;
      const name = await nameOf(value, context, info, type);
      assertMaySeeType(context.actor, name === undefined ? undefined : info.schema.getType(name));
    }
    return result;
  };
};

/** What of a field's result belongs to allowed models: the rest is left out of lists, and else null. */
const withinModels = async (context: Context, stated: Needs, result: unknown): Promise<unknown> => {
  const value = await result;
  if (value == null) return value;
  if (!Array.isArray(value)) return (await isOfAllowedModel(context, stated, value)) ? value : null;
  const allowed = await Promise.all(value.map((item) => isOfAllowedModel(context, stated, item)));
  return value.filter((_, index) => allowed[index]);
};

const guardModel = (field: GraphQLField<unknown, Context>, stated: Needs): void => {
  const resolve = field.resolve ?? defaultFieldResolver;
  field.resolve = (source, args, context, info) => {
    const result: unknown = resolve(source, args, context, info);
    return context.actor.models === null ? result : withinModels(context, stated, result);
  };
};

const guardField = (field: GraphQLField<unknown, Context>): void => {
  const type = getNamedType(field.type);
  // Errors are no objects of a domain.
  if (isInterfaceType(type) && type.name !== 'UserError') guardAbstract(field, type);
  const stated = statedNeeds(type);
  if (stated?.modelOf !== undefined) guardModel(field, stated);
};

/** Has values checked of which the document does not tell the type, or the model that they belong to. */
export const guardSchema = (schema: GraphQLSchema): GraphQLSchema => {
  for (const type of Object.values(schema.getTypeMap())) {
    if (isObjectType(type)) Object.values(type.getFields()).forEach(guardField);
  }
  return schema;
};
