import type { GraphQLObjectType } from 'graphql';

/** A type and no interface, which Pothos would not take for a record. */
type ImmutableExtension = { readonly isImmutable: true };

/**
 * Marks a type whose objects never change once they are in memory. What its fields read of nothing but the object is then
 * written once; see `src/server/kept-text.ts`.
 */
export const IMMUTABLE: ImmutableExtension = { isImmutable: true };

export const isImmutableType = ({ extensions }: GraphQLObjectType): boolean =>
  (extensions as Partial<ImmutableExtension>).isImmutable === true;
