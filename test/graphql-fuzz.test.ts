import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { buildSchema } from 'graphql';
import { expect, it } from 'vitest';
import { localActor } from '../src/platform/context.ts';
import { createLog } from '../src/server/log.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { type AnyDocument, anyDocument } from './setup/any-document.ts';
import { anyChange } from './setup/any-line.ts';
import type { Pools } from './setup/any-value.ts';
import { inputsOr, timeoutFor, tryAll } from './setup/fuzz.ts';
import { openTestHindcast } from './setup/hindcast.ts';
import { YOGA_PATH } from './setup/lanes.ts';
import { randomBy } from './setup/random.ts';
import { append, field, line, served } from './setup/registration.ts';

// Any document may be sent, down either lane. What is wrong with it is the caller's to correct.

const errors: string[] = [];
const log = createLog('warn', { write: (text) => errors.push(text) });
const hindcast = await openTestHindcast(localActor('tester'), logRoutes, null, null, { log });
const schema = buildSchema(await readFile('schema.graphql', 'utf8'));

const fields = [
  field('distance'),
  field('origin', 'STRING', { isNullable: true }),
  field('vector', 'FP32', { shape: [2], isNullable: true }),
];
const one = await served(hindcast, fields);
const two = await served(hindcast, fields);
const lines = Array.from({ length: 30 }, (_, n) => {
  const { version, endpoint } = n % 3 === 0 ? one : two;
  const features = { distance: n % 7, origin: n % 5 === 0 ? null : 'a', vector: [n, 0.5] };
  const more = {
    requestId: `r-${n % 20}`,
    item: n,
    entityKey: `e-${n % 4}`,
    label: n % 2 === 0 ? 'YES' : 'NO',
    score: n / 30,
  };
  return line(version, endpoint, features, { ...more, output: { a: n }, traceId: `t-${n % 6}` });
});
await append(hindcast, lines);
await hindcast.ask('mutation { sealLedger { __typename } }').catch(() => {});

/** Every text in what a wide question is answered, by the name of its field. */
const harvest = async (): Promise<Pools> => {
  const found: Record<string, Set<string>> = {
    ID: new Set(),
    String: new Set(),
    Digest: new Set(),
  };
  const answer = await hindcast.ask(`{
    models(first: 5) { edges { cursor } nodes { id name versions(first: 5) { edges { cursor } nodes {
      id digest semver featureSchema { id digest name } commit { id digest } environment { id digest }
      datasets { snapshot { id digest name } } artifacts { artifact { id digest } }
    } } } }
    endpoints(first: 5) { edges { cursor } nodes { id name environment } }
    deployments(first: 5) { edges { cursor } nodes { id } }
    predictionLogs(filter: { requestIds: ["r-0", "r-1", "r-2"] }) { edges { cursor } nodes { id digest requestId entityKey traceId label } }
  }`);
  JSON.stringify(answer, (name, value: unknown) => {
    if (typeof value === 'string') {
      const pool = name === 'id' ? 'ID' : name === 'digest' ? 'Digest' : 'String';
      found[pool]?.add(value);
    }
    return value;
  });
  for (const name of ['distance', 'origin', 'vector', 'pkg:pypi/numpy@2.1.0', 'numpy', 'test'])
    found.String?.add(name);
  return Object.fromEntries(Object.entries(found).map(([name, texts]) => [name, [...texts]]));
};
const pools = await harvest();

/** What differs from one moment to the next. */
const MOMENT =
  /^(knownAt|createdAt|envelope|digest|id|receivedAt|startedAt|uptime|uptimeSeconds|now)$/;

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly text: string;
}

const answerOf = async (path: string, init: RequestInit): Promise<Answer> => {
  const response = await hindcast.fetch(path, { ...init, signal: AbortSignal.timeout(30_000) });
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    text: await response.text(),
  };
};

const post = (path: string, body: string | Uint8Array<ArrayBuffer>): Promise<Answer> =>
  answerOf(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body,
  });

const STACK = /\n\s+at |node_modules|\.[tj]s:\d+|INTERNAL_SERVER_ERROR|Unexpected error/;

const assertDecent = ({ status, type, text }: Answer): void => {
  expect(errors).toEqual([]);
  expect(status).toBeLessThan(500);
  expect(type).toMatch(/json/);
  expect(JSON.parse(text)).toBeInstanceOf(Object);
  expect(text).not.toMatch(STACK);
};

/** Of several errors that leave the same hole in the data, any may be told. */
const comparable = ({ text, ...rest }: Answer, moments: ReadonlySet<string>) => {
  const body = JSON.parse(text, (key, value: unknown) =>
    MOMENT.test(key) || moments.has(key) ? typeof value : value,
  ) as { readonly data?: unknown; readonly errors?: unknown };
  const isPartial = body.data != null && body.errors !== undefined;
  return { ...rest, body: isPartial ? { data: body.data, hasErrors: true } : body };
};

/** Other names that a document gives to what differs from one moment to the next. */
const aliasedMoments = (document: string): ReadonlySet<string> =>
  new Set(
    [...document.matchAll(/(\w+): (\w+)/g)].flatMap(([, alias = '', name = '']) =>
      MOMENT.test(name) ? [alias] : [],
    ),
  );

let answered = 0;

const about = async (document: string, work: () => Promise<void>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${document}`, { cause: error });
  }
};

const tryDocument = ({ query, variables, body, isMutation }: AnyDocument): Promise<void> =>
  about(body, async () => {
    const plainly = await post('/graphql', body);
    assertDecent(plainly);
    if (!plainly.text.includes('"errors":[')) answered += 1;
    const url = `/graphql?${new URLSearchParams({ query, variables })}`;
    // Node takes no longer ones.
    if (!isMutation && url.length < 8000) {
      assertDecent(await answerOf(url, { headers: { accept: 'application/json' } }));
    }
    const byYoga = await post(YOGA_PATH, body);
    assertDecent(byYoga);
    if (isMutation) return;
    const moments = aliasedMoments(query);
    expect(comparable(byYoga, moments)).toEqual(comparable(plainly, moments));
  });

const DOCUMENTS = Math.ceil(inputsOr(2000) / 5);
const DAMAGED = Math.ceil(inputsOr(2000) / 20);
const anySeed = fc.integer({ min: 1, max: 2 ** 32 - 1 });

it('answers any document alike by both lanes, or says what is wrong with it', {
  timeout: timeoutFor(DOCUMENTS),
}, async () => {
  const documents = anySeed.map((seed) => anyDocument(schema, randomBy(seed), pools));
  await tryAll('documents', documents, tryDocument, DOCUMENTS);
  console.info(`${DOCUMENTS} documents, ${answered} answered without errors`);
  expect(answered).toBeGreaterThan(DOCUMENTS / 10);
});

it('answers damaged requests', { timeout: timeoutFor(DAMAGED) }, async () => {
  const bodies = fc
    .tuple(anySeed, anyChange)
    .map(([seed, change]) => change(Buffer.from(anyDocument(schema, randomBy(seed), pools).body)));
  const tryBody = (body: Buffer): Promise<void> =>
    about(body.toString(), async () => {
      assertDecent(await post('/graphql', new Uint8Array(body)));
      assertDecent(await post(YOGA_PATH, new Uint8Array(body)));
    });
  await tryAll('damaged requests', bodies, tryBody, DAMAGED);
});
