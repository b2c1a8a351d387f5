/** The ways into GraphQL: a query string, even an empty one, is not what the short lane takes. */
export const LANES = [
  ['the short lane', '/graphql'],
  ['the HTTP layer of Yoga', '/graphql?'],
] as const;
