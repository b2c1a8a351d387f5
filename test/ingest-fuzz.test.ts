import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { localActor } from '../src/platform/context.ts';
import { ingestPredictions } from '../src/prediction/ingest-route.ts';
import { createLog } from '../src/server/log.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { field } from './feature-fixture.ts';
import { anyChange, anyLines, type Subject } from './setup/any-line.ts';
import { inputsOr, timeoutFor, tryAll } from './setup/fuzz.ts';
import { openTestHindcast } from './setup/hindcast.ts';
import { openServing, type StreamAnswer } from './setup/ingest.ts';
import { type FieldMeaning, type LineMeaning, meaningOf } from './setup/line-meaning.ts';
import { readBack } from './setup/read-back.ts';
import { type EndpointRow, insertEndpoint } from './setup/versions.ts';

// Anything may be sent. What is stored means what was sent, whether it was read by a pattern or in full, and what is
// refused is kept.

const errors: string[] = [];
const log = createLog('warn', { write: (line) => errors.push(line) });
const hindcast = await openTestHindcast(localActor('tester'), logRoutes, null, null, { log });
const { database } = hindcast;
const nullable = { isNullable: true };
const fields = [
  field('double', 'FP64', nullable),
  field('single', 'FP32', nullable),
  field('count', 'INT64', nullable),
  field('flag', 'BOOL', nullable),
  field('at', 'TIMESTAMP', nullable),
  field('name', 'STRING', nullable),
  field('kind', 'STRING', { categories: ['a', 'ü'] }),
  field('vector', 'FP32', { shape: [2], isNullable: true }),
  field('matrix', 'INT64', { shape: [2, 2], isNullable: true }),
  field('late', 'FP64', { defaultValue: '1' }),
  field('aged', 'FP64', { maxAgeSeconds: 60, isNullable: true }),
];
const meanings: readonly FieldMeaning[] = fields.map(
  ({ name, type, defaultValue, maxAgeSeconds }) => ({
    name,
    type,
    ...(defaultValue === null ? {} : { defaultValue: Number(defaultValue) }),
    ...(maxAgeSeconds === null ? {} : { maxAgeSeconds }),
  }),
);
const { endpoint, version } = await openServing(hindcast, fields, {});
const subjectAt = ({ name, environment }: EndpointRow): Subject => ({
  endpoint: { name, environment },
  version: version.digest,
});
/** What a damaged body says is not known, so it says it of another endpoint. */
const elsewhere = await insertEndpoint(database);

/** The same route and database, but no pattern is ever known there. */
const forgetful = createServer((request, response) => {
  ingestPredictions(request, response, { database: { ...database } }).catch((error: unknown) => {
    errors.push(String(error));
  });
});
await new Promise<void>((resolve) => {
  forgetful.listen(0, '127.0.0.1', resolve);
});
afterAll(() => new Promise((resolve) => forgetful.close(resolve)));
const slow = { url: `http://127.0.0.1:${(forgetful.address() as AddressInfo).port}` };

interface Body {
  readonly bytes: Buffer;
  readonly headers: Record<string, string>;
  readonly query: string;
  /** What the bytes are when they are unpacked; null when nobody can know. */
  readonly lines: Buffer | null;
}

const joinedAt = (endpointRow: EndpointRow): fc.Arbitrary<Buffer> =>
  fc
    .tuple(
      fc.array(anyLines(subjectAt(endpointRow)), { minLength: 1, maxLength: 2 }),
      fc.constantFrom('\n', '\r\n', '\n \n'),
    )
    .map(([groups, end]) =>
      Buffer.concat(
        groups.flat().flatMap((line, at) => (at === 0 ? [line] : [Buffer.from(end), line])),
      ),
    );

const query = fc.constantFrom('', '', '', '?undeclaredFeatures=keep', '?undeclaredFeatures=reject');
const type = fc.constantFrom(
  'application/x-ndjson',
  'application/jsonl',
  'APPLICATION/NDJSON; charset="utf-8"',
);

const plainBody: fc.Arbitrary<Body> = fc
  .tuple(joinedAt(endpoint), query, type)
  .map(([lines, asked, contentType]) => ({
    bytes: lines,
    headers: { 'content-type': contentType },
    query: asked,
    lines,
  }));

const packed = (body: Body, change: (bytes: Buffer) => Buffer): Body => ({
  ...body,
  bytes: change(gzipSync(body.bytes)),
  headers: { ...body.headers, 'content-encoding': 'gzip' },
});

const anyBody: fc.Arbitrary<Body> = fc.oneof(
  { weight: 6, arbitrary: plainBody },
  { weight: 2, arbitrary: plainBody.map((body) => packed(body, (bytes) => bytes)) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(plainBody, fc.double({ min: 0, max: 1, noNaN: true }))
      .map(([body, end]) =>
        packed(body, (bytes) => bytes.subarray(0, Math.floor(end * bytes.length))),
      ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(joinedAt(elsewhere), anyChange)
      .map(([bytes, change]) =>
        packed(
          { bytes, headers: { 'content-type': 'application/x-ndjson' }, query: '', lines: null },
          change,
        ),
      ),
  },
);

/** Numbered as the route numbers them, without those that say nothing. */
const linesOf = (body: Buffer): ReadonlyMap<number, Buffer> => {
  const lines = new Map<number, Buffer>();
  for (let start = 0, number = 1; start < body.length; number += 1) {
    const feed = body.indexOf(10, start);
    const end = feed < 0 ? body.length : feed;
    const line = body.subarray(start, body[end - 1] === 13 && end > start ? end - 1 : end);
    if (/[^ \t]/.test(line.toString('latin1'))) lines.set(number, line);
    start = end + 1;
  }
  return lines;
};

const known = new Map<string, LineMeaning>();
const keyOf = ({ requestId, occurredAt, item, endpoint: route }: LineMeaning): string =>
  JSON.stringify([requestId, String(occurredAt), item, route]);

interface Result {
  readonly line: number;
  readonly status: string;
  readonly code: string | null;
  readonly message: string;
}

const resultsOf = ({ lines }: StreamAnswer): ReadonlyMap<number, Result> =>
  new Map(
    lines.flatMap((line) =>
      typeof line.line === 'number' ? [[line.line, line as unknown as Result]] : [],
    ),
  );

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const assertStored = async (
  lines: ReadonlyMap<number, Buffer>,
  results: ReadonlyMap<number, Result>,
): Promise<void> => {
  const stored = new Map<string, { readonly meaning: LineMeaning; readonly line: string }>();
  for (const [number, bytes] of lines) {
    const status = results.get(number)?.status ?? 'STORED';
    if (status === 'REJECTED') continue;
    aboutLine(bytes.toString(), () => {
      const meaning = meaningOf(UTF_8.decode(bytes), meanings);
      const key = keyOf(meaning);
      const before = known.get(key);
      if (status === 'DUPLICATE') return expect(meaning).toEqual(before);
      if (status === 'CONFLICT') return expect(before ?? meaning).not.toEqual(meaning);
      expect(before).toBeUndefined();
      known.set(key, meaning);
      stored.set(key, { meaning, line: bytes.toString() });
    });
  }
  const ids = [...new Set([...stored.values()].map(({ meaning }) => meaning.requestId))];
  if (ids.length === 0) return;
  const found = new Map((await readBack(hindcast, ids)).map((one) => [keyOf(one), one]));
  for (const [key, { meaning, line }] of stored) {
    aboutLine(line, () => expect(found.get(key)).toEqual(meaning));
  }
};

const assertKept = async (
  lines: ReadonlyMap<number, Buffer>,
  results: ReadonlyMap<number, Result>,
): Promise<void> => {
  const refused = [...results.values()].filter(
    ({ line, status }) => status === 'REJECTED' && lines.has(line),
  );
  const digests = refused.map(({ line }) =>
    createHash('sha256')
      .update(lines.get(line) ?? '')
      .digest('hex'),
  );
  const rows = await database.query<{ digest: string }>({
    text: `SELECT encode(digest, 'hex') AS digest FROM rejected_record
      WHERE encode(digest, 'hex') = ANY ($1::text[]) AND digest = sha256(raw)`,
    values: [digests],
  });
  expect(new Set(rows.map(({ digest }) => digest))).toEqual(new Set(digests));
};

/** What a caller is told twice: the same, but that what was stored is there already. */
const again = (lines: ReadonlyMap<number, Buffer>, results: ReadonlyMap<number, Result>) =>
  [...lines.keys()].map((number) => {
    const { status, code, message } = results.get(number) ?? { status: 'DUPLICATE' };
    return [number, status, status === 'REJECTED' ? [code, message] : null];
  });

const send = async (on: { readonly url: string }, { bytes, headers, query: asked }: Body) => {
  const signal = AbortSignal.timeout(30_000);
  const response = await fetch(`${on.url}/v1/predictions${asked}`, {
    method: 'POST',
    headers,
    body: new Uint8Array(bytes),
    signal,
  });
  const text = await response.text();
  const lines = text.split('\n').filter((line) => line !== '');
  return {
    status: response.status,
    lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>),
  };
};

let sent = 0;

/** Which line, where something is wrong with one. */
const aboutLine = (line: string, work: () => void): void => {
  try {
    work();
  } catch (error) {
    throw new Error(`${(error as Error).message}\nLine: ${line}`, { cause: error });
  }
};

const assertHolds = async (body: Body): Promise<void> => {
  const answer = await send(hindcast, body);
  expect(errors).toEqual([]);
  expect(answer.status).toBe(200);
  expect(answer.lines.at(-1)).toHaveProperty('summary');
  if (body.lines === null) return;
  const results = resultsOf(answer);
  const broken = [...results.values()].find(({ code }) => code?.endsWith('_BODY'));
  const all = [...linesOf(body.lines)];
  const lines = new Map(all.filter(([number]) => number < (broken?.line ?? Infinity)));
  sent += lines.size;
  expect(answer.lines.at(-1)).toMatchObject({
    summary: { received: lines.size + (broken === undefined ? 0 : 1) },
  });
  await assertStored(lines, results);
  await assertKept(lines, results);
  const told = await send(slow, body);
  expect(again(lines, resultsOf(told))).toEqual(again(lines, results));
};

/** A body has some fifty lines. */
const BODIES = Math.ceil(inputsOr(2000) / 50);

it('takes any stream of lines and stores exactly what they say', {
  timeout: timeoutFor(BODIES * 50),
}, async () => {
  await tryAll('streams of lines', anyBody, assertHolds, BODIES);
  console.info(`${sent} lines sent, ${known.size} stored`);
  expect(known.size).toBeGreaterThan(sent / 5);
});
