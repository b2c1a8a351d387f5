import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { isPlainRequest } from '../src/server/json-lane.ts';
import { readOperations } from '../src/server/operations.ts';
import { openDemo, operationNames, variablesOf } from './setup/example.ts';
import { LANES, YOGA_PATH } from './setup/lanes.ts';

const { fetch } = await openDemo();
const operations = await readOperations();

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly body: unknown;
}

/** What differs from one moment to the next. */
const MOMENT = /^(knownAt|createdAt|envelope|digest|id|receivedAt|startedAt|uptime)$/;

const withoutMoments = (text: string): unknown =>
  JSON.parse(text, (key, value: unknown) => (MOMENT.test(key) ? typeof value : value));

const send = async (path: string, body: string, accept: string): Promise<Answer> => {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body,
  });
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    body: withoutMoments(await response.text()),
  };
};

/** The same request, as often as it takes to be compiled, down the short lane and through Yoga's HTTP layer. */
const compare = async (body: string, accept = 'application/json'): Promise<Answer> => {
  const yoga = await send(YOGA_PATH, body, accept);
  for (let round = 0; round < 5; round += 1) {
    expect(await send('/graphql', body, accept)).toEqual(yoga);
  }
  return yoga;
};

const request = (query: string, variables: object = {}): string =>
  JSON.stringify({ query, variables });

it('goes different ways in the tests of both lanes', async () => {
  const plain: boolean[] = [];
  const server = createServer((request, response) => {
    plain.push(isPlainRequest(request));
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  for (const [, path] of LANES) {
    const headers = { 'content-type': 'application/json' };
    await globalThis.fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers,
      body: '{}',
    });
  }
  server.closeAllConnections();
  server.close();
  expect(plain).toEqual([true, false]);
});

describe('both lanes answer alike', () => {
  it.each(operationNames.filter((name) => name !== 'replay-job'))('to %s', async (name) => {
    const query = operations.find((one) => one.name === name)?.query ?? '';
    const { status, body } = await compare(request(query, variablesOf(name)));
    expect(status).toBe(200);
    expect(body).not.toHaveProperty('errors');
  });

  const predictions =
    'query Q($filter: PredictionLogFilter!, $first: Int) { predictionLogs(filter: $filter, first: $first) { nodes { requestId } } }';
  const april = { occurredAt: { from: '2001-04-03T00:00:00Z', to: '2001-04-04T00:00:00Z' } };
  const refused: Readonly<Record<string, string>> = {
    'a broken body': '{"query": "{ serverInfo { version } }"',
    'a body that is no object': '[1]',
    'a batch': '[{"query": "{ serverInfo { version } }"}]',
    'no query': '{}',
    'a query that is no text': '{"query": 1}',
    'variables that are no object': '{"query": "{ serverInfo { version } }", "variables": [1]}',
    'an unknown parameter': '{"query": "{ serverInfo { version } }", "who": 1}',
    'a prototype': '{"query": "{ serverInfo { version } }", "__proto__": {"x": 1}}',
    'a syntax error': request('{ serverInfo '),
    'an unknown field': request('{ nobody }'),
    'two operations and no name': request('query A { __typename } query B { __typename }'),
    'a name that no operation has': JSON.stringify({ query: '{ __typename }', operationName: 'X' }),
    'a variable that is missing': request(predictions),
    'a variable of another type': request(predictions, { filter: april, first: 'ten' }),
    'a page that is too large': request(predictions, { filter: april, first: 100_000 }),
    'a filter that is not bounded': request(predictions, { filter: {} }),
    'two of a one-of': request(
      'query Q($by: ModelVersionReference!) { modelVersion(by: $by) { semver } }',
      { by: { digest: `sha256:${'0'.repeat(64)}`, release: { model: 'a', semver: '1.0.0' } } },
    ),
    'an ambiguous reference': request(
      '{ compareCohorts(base: {}, head: {}) { scoreKs } serverInfo { engine } }',
    ),
    'too many aliases': request(
      `{ ${Array.from({ length: 40 }, (_, index) => `a${index}: __typename`).join(' ')} }`,
    ),
    'a price that is too high': request(
      `query Q($filter: PredictionLogFilter!) { predictionLogs(filter: $filter, first: 200) { nodes { trace { findings { code } } request: entityKey modelVersion { downstream(depth: 8, first: 200) { nodes { depth } } } } } }`,
      { filter: april },
    ),
    'too many tokens': request(`{ ${'__typename '.repeat(3000)} }`),
  };
  it.each(Object.keys(refused))('to %s', async (name) => {
    expect((await compare(refused[name] ?? '')).body).toHaveProperty('errors');
  });

  const answered: Readonly<Record<string, string>> = {
    'a null instead of a default': request(
      'query Q($first: Int = 2, $filter: PredictionLogFilter!) { predictionLogs(filter: $filter, first: $first) { nodes { requestId } } }',
      { filter: april, first: null },
    ),
    'a mutation that is refused': request(
      'mutation { eraseEntity(input: { entityKey: "nobody", legalBasis: "x", reason: "y" }) { __typename ... on UserError { message path } } }',
    ),
    'an integer beyond 2^53': request(
      '{ __typename }',
      JSON.parse('{"unused": 9007199254740993}') as object,
    ),
    'literals whose input fields have defaults': request(
      '{ predictionLogs(filter: {occurredAt: {from: "2001-04-03T00:00:00Z", to: "2001-04-04T00:00:00Z"}}, first: 2, orderBy: {field: OCCURRED_AT}) { nodes { requestId occurredAt } } }',
    ),
    'variables inside literals': request(
      'query Q($from: DateTime, $to: DateTime!, $field: PredictionLogOrderField!, $absent: Boolean, $ids: [ID!]! = []) { predictionLogs(filter: {occurredAt: {from: $from, to: $to}, hasScore: $absent}, first: 2, orderBy: {field: $field}) { nodes { requestId occurredAt } } nodes(ids: $ids) { id } }',
      { from: april.occurredAt.from, to: april.occurredAt.to, field: 'OCCURRED_AT' },
    ),
    'fragments, conditions and introspection': request(
      'query Q($no: Boolean = false) { ...F __schema @include(if: $no) { types { name } } __type(name: "Query") { name kind } } fragment F on Query { serverInfo @skip(if: $no) { engine } again: serverInfo { ...G } } fragment G on ServerInfo { engine __typename }',
    ),
  };
  it.each(Object.keys(answered))('to %s', async (name) => {
    const { status, body } = await compare(answered[name] ?? '');
    expect(status).toBe(200);
    expect(body).not.toHaveProperty('errors');
  });

  it('in the media type that the client accepts', async () => {
    for (const accept of [
      'application/json',
      '*/*',
      'application/graphql-response+json',
      'application/graphql-response+json, application/json;q=0.9',
      'text/plain',
    ]) {
      await compare(request('{ __typename }'), accept).catch((error: unknown) => {
        // What cannot be accepted has no body to compare.
        if (!(error instanceof SyntaxError)) throw error;
      });
    }
  });
});
