/** The way past the short lane, which takes no query string; `fetch` would leave out one that is empty. */
export const YOGA_PATH = '/graphql?lane=yoga';

/** The ways into GraphQL. */
export const LANES = [
  ['the short lane', '/graphql'],
  ['the HTTP layer of Yoga', YOGA_PATH],
] as const;

/** Each of them twice: what is asked a third time is compiled. */
export const ROUNDS: readonly string[] = [...LANES, ...LANES].map(([, path]) => path);
