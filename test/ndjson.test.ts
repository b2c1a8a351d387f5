import { createHash, randomBytes } from 'node:crypto';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Database } from '../src/platform/database.ts';
import { ingestPredictions } from '../src/prediction/ingest-route.ts';
import { BATCH_LINES, MAX_LINE_BYTES, ndjsonBatches } from '../src/prediction/ndjson-lines.ts';
import { bytesOf, type RawLine } from '../src/prediction/raw-line.ts';
import { field } from './feature-fixture.ts';
import { unique } from './setup/database.ts';
import { openIngest, openServing, post } from './setup/ingest.ts';

const hindcast = await openIngest();
const { database } = hindcast;
const { line } = await openServing(hindcast, [field('distance', 'FP64')], { distance: 1.5 });

async function* chunksOf(chunks: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

const collect = async (chunks: readonly (string | Uint8Array)[]): Promise<RawLine[][]> => {
  const batches: RawLine[][] = [];
  for await (const batch of ndjsonBatches(chunksOf(chunks))) batches.push(batch);
  return batches;
};

const read = async (chunks: readonly (string | Uint8Array)[]) => {
  const batches = await collect(chunks);
  return batches.map((batch) =>
    batch.map((raw) => [raw.line, bytesOf(raw).toString(), raw.fault?.code ?? null]),
  );
};

const storedLike = async (prefix: string): Promise<number> => {
  const [row] = await database.query<{ n: number }>({
    text: `SELECT count(*)::int AS n FROM prediction_log WHERE request_id LIKE $1`,
    values: [`${prefix}%`],
  });
  return row?.n ?? -1;
};

describe('lines', () => {
  it('end with LF, CRLF or the body, and empty ones are numbered and skipped', async () => {
    expect(await read(['a\r\n\n \t\nb\n', 'c'])).toEqual([
      [
        [1, 'a', null],
        [4, 'b', null],
        [5, 'c', null],
      ],
    ]);
    expect(await read([])).toEqual([]);
    expect(await read(['\n\r\n'])).toEqual([]);
  });

  it('do not depend on how the body is cut into chunks', async () => {
    const text = 'one\r\ntwo\n\nthræe\n{"x":"\u{1f680}"}';
    const whole = await read([text]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: Buffer.byteLength(text) })), async (cuts) => {
        const bytes = Buffer.from(text);
        const ends = [...cuts.sort((a, b) => a - b), bytes.length];
        const chunks = ends.map((end, n) => bytes.subarray(ends[n - 1] ?? 0, end));
        expect(await read(chunks)).toEqual(whole);
      }),
    );
  });

  it('come in batches of 10 000, or of 8 MiB', async () => {
    const many = await read(['x\n'.repeat(22_000)]);
    expect(many.map(({ length }) => length)).toEqual([10_000, 10_000, 2000]);
    const large = await read([`${'x'.repeat(1_000_000)}\n`.repeat(11)]);
    expect(large.map(({ length }) => length)).toEqual([9, 2]);
  });

  it('of 1 MiB are read, longer ones are refused by their beginning', async () => {
    const most = 'x'.repeat(MAX_LINE_BYTES);
    const [batch = []] = await collect([`${most}\r\n`, most, 'x\n', `${most}xxx`, '\nshort']);
    expect(batch.map((raw) => [raw.line, bytesOf(raw).length, raw.fault?.code])).toEqual([
      [1, MAX_LINE_BYTES, undefined],
      [2, 65_536, 'LINE_TOO_LONG'],
      [3, 65_536, 'LINE_TOO_LONG'],
      [4, 5, undefined],
    ]);
    expect(batch[1]?.digest).toBe(createHash('sha256').update(`${most}x`).digest('hex'));
  });
});

describe('the route', () => {
  it('answers what was stored, plain and with gzip', async () => {
    const prefix = unique('plain');
    const texts = Array.from({ length: 3 }, (_, n) => line(`${prefix}-${n}`));
    expect(await post(hindcast, '/v1/predictions', `${texts.join('\r\n')}\r\n`)).toEqual({
      status: 200,
      lines: [
        { acknowledged: 3 },
        { summary: { received: 3, stored: 3, duplicates: 0, conflicts: 0, rejected: 0 } },
      ],
    });
    const again = await post(hindcast, '/v1/predictions', gzipSync(texts.join('\n')), {
      'content-type': 'application/jsonl; charset=UTF-8',
      'content-encoding': 'GZIP',
    });
    const message = 'This prediction is stored already, with the same content; nothing was changed';
    const none = { code: null, path: null, value: null, message };
    expect(again.lines).toEqual([
      ...texts.map((_, n) => ({
        line: n + 1,
        requestId: `${prefix}-${n}`,
        status: 'DUPLICATE',
        ...none,
      })),
      { acknowledged: 3 },
      { summary: { received: 3, stored: 0, duplicates: 3, conflicts: 0, rejected: 0 } },
    ]);
  });

  it('answers an empty body with empty counts', async () => {
    expect((await post(hindcast, '/v1/predictions', '\n')).lines).toEqual([
      { summary: { received: 0, stored: 0, duplicates: 0, conflicts: 0, rejected: 0 } },
    ]);
  });

  it('acknowledges batch by batch', async () => {
    const prefix = unique('batches');
    const texts = Array.from({ length: 10_001 }, (_, n) => line(`${prefix}-${n}`));
    const { lines } = await post(hindcast, '/v1/predictions', texts.join('\n'));
    expect(lines).toEqual([
      { acknowledged: 10_000 },
      { acknowledged: 10_001 },
      { summary: { received: 10_001, stored: 10_001, duplicates: 0, conflicts: 0, rejected: 0 } },
    ]);
  });

  it('keeps the beginning of a 50 MB line and stores the lines around it, without holding it', async () => {
    const [before, after] = [unique('a'), unique('z')];
    const long = Buffer.alloc(50 * 1024 * 1024, 'x');
    const body = Buffer.concat([
      Buffer.from(`${line(before)}\n`),
      long,
      Buffer.from(`\n${line(after)}`),
    ]);
    const { lines } = await post(hindcast, '/v1/predictions', body);
    expect(lines).toEqual([
      {
        line: 2,
        requestId: null,
        status: 'REJECTED',
        code: 'LINE_TOO_LONG',
        path: null,
        value: null,
        message:
          'The line has 52428800 bytes; the limit is 1048576. Send it in less, or split it; its first 65536 bytes are kept',
      },
      { acknowledged: 3 },
      { summary: { received: 3, stored: 2, duplicates: 0, conflicts: 0, rejected: 1 } },
    ]);
    const rows = await database.query({
      text: `SELECT octet_length(raw) AS size, encode(digest, 'hex') AS digest FROM rejected_record WHERE code = 'LINE_TOO_LONG'`,
    });
    expect(rows).toEqual([
      { size: 65_536, digest: createHash('sha256').update(long).digest('hex') },
    ]);
  });

  it('stores what came before a gzip body breaks off, and says where', async () => {
    const prefix = unique('cut');
    const texts = Array.from({ length: 200 }, (_, n) =>
      line(`${prefix}-${n}`, { label: unique('l') }),
    );
    const whole = gzipSync(texts.join('\n'));
    const { status, lines } = await post(
      hindcast,
      '/v1/predictions',
      whole.subarray(0, Math.floor(whole.length / 2)),
      { 'content-encoding': 'gzip' },
    );
    expect(status).toBe(200);
    const stored = await storedLike(prefix);
    expect(stored).toBeGreaterThan(20);
    expect(stored).toBeLessThan(200);
    expect(lines).toEqual([
      {
        line: stored + 1,
        requestId: null,
        status: 'REJECTED',
        code: 'TRUNCATED_BODY',
        path: null,
        value: null,
        message:
          'The gzip body breaks off here: what came before was read; send this record and the rest again',
      },
      { acknowledged: stored + 1 },
      {
        summary: { received: stored + 1, stored, duplicates: 0, conflicts: 0, rejected: 1 },
      },
    ]);
  });

  it('says where a gzip body is corrupt', async () => {
    const prefix = unique('corrupt');
    const texts = Array.from({ length: 200 }, (_, n) =>
      line(`${prefix}-${n}`, { label: unique('l') }),
    );
    const body = gzipSync(texts.join('\n'));
    const checksum = body.length - 8;
    body[checksum] = (body[checksum] ?? 0) ^ 0xff;
    const { status, lines } = await post(hindcast, '/v1/predictions', body, {
      'content-encoding': 'gzip',
    });
    expect(status).toBe(200);
    const stored = await storedLike(prefix);
    expect(lines).toEqual([
      {
        line: stored + 1,
        requestId: null,
        status: 'REJECTED',
        code: 'CORRUPT_BODY',
        path: null,
        value: null,
        message:
          'The gzip body cannot be unpacked beyond here: incorrect data check; what came before was read; send this record and the rest again',
      },
      { acknowledged: stored + 1 },
      { summary: { received: stored + 1, stored, duplicates: 0, conflicts: 0, rejected: 1 } },
    ]);
  });

  it('unpacks no more than 200 times of what is sent, and answers what came before', async () => {
    // One endless line, many empty ones, and many that hold a carriage return.
    for (const filler of ['\0', '\n', '\r\n']) {
      const prefix = unique('bomb');
      const bomb = Buffer.alloc(32 * 1024 * 1024, filler);
      const packed = gzipSync(Buffer.concat([Buffer.from(`${line(`${prefix}-0`)}\n`), bomb]));
      const body = Buffer.concat([packed, randomBytes(4 * 1024 * 1024)]);
      const { status, lines } = await post(hindcast, '/v1/predictions', body, {
        'content-encoding': 'gzip',
      });
      expect(status).toBe(200);
      expect(lines[0]).toMatchObject({ status: 'REJECTED', code: 'COMPRESSION_LIMIT' });
      expect(lines[0]?.message).toMatch(
        /^The gzip body is \d{3,4} times as large unpacked up to here; the limit is 200\. /,
      );
      expect(lines.at(-1)).toMatchObject({ summary: { received: 2, rejected: 1 } });
      expect(await storedLike(prefix)).toBe(1);
    }
  });

  it('says that a body is not gzip', async () => {
    const body = line(unique('not'));
    const { lines } = await post(hindcast, '/v1/predictions', body, { 'content-encoding': 'gzip' });
    expect(lines[0]).toMatchObject({
      line: 1,
      code: 'CORRUPT_BODY',
      message:
        'The gzip body cannot be unpacked beyond here: incorrect header check; what came before was read; send this record and the rest again',
    });
  });

  const UNREAD_TYPE =
    'Send newline-delimited JSON in UTF-8 as application/x-ndjson: one JSON object a line, no array around them.';

  it.each<[string, string, Record<string, string>, number, string, string]>([
    [
      'another type',
      '',
      { 'content-type': 'text/csv' },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      UNREAD_TYPE,
    ],
    [
      'JSON',
      '',
      { 'content-type': 'application/json' },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      UNREAD_TYPE,
    ],
    [
      'another character set',
      '',
      { 'content-type': 'application/x-ndjson; charset=latin1' },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      UNREAD_TYPE,
    ],
    [
      'another content encoding',
      '',
      { 'content-encoding': 'br' },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      'The content encoding "br" is not read; send the body plain or with gzip.',
    ],
    [
      'an unknown parameter',
      '?undeclared=keep',
      {},
      400,
      'BAD_REQUEST',
      'The query parameter "undeclared" is not known; known is undeclaredFeatures.',
    ],
    [
      'an unknown value of a parameter',
      '?undeclaredFeatures=drop',
      {},
      400,
      'BAD_REQUEST',
      'undeclaredFeatures is "drop"; send keep or reject, once.',
    ],
  ])('refuses %s and reads nothing', async (_, query, headers, status, code, message) => {
    const id = unique('refused');
    expect(await post(hindcast, `/v1/predictions${query}`, line(id), headers)).toEqual({
      status,
      lines: [{ error: { code, message } }],
    });
    expect(await storedLike(id)).toBe(0);
  });

  it('keeps undeclared features when asked to', async () => {
    const id = unique('extra');
    const features = '{"distance":1,"b":{"y":-0,"x":12345678901234567890},"a":null}';
    const text = line(id).replace('{"distance":1.5}', features);
    const { lines } = await post(hindcast, '/v1/predictions?undeclaredFeatures=keep', text);
    expect(lines.at(-1)).toMatchObject({ summary: { stored: 1 } });
    const rows = await database.query({
      text: 'SELECT undeclared FROM prediction_log WHERE request_id = $1',
      values: [id],
    });
    expect(rows).toEqual([{ undeclared: '{"a":null,"b":{"x":12345678901234567890,"y":-0}}' }]);
  });
});

describe('when the database fails', () => {
  const servers: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of servers.splice(0)) await close();
  });

  /** A server whose database commits only so many batches. */
  const failingAfter = async (batches: number): Promise<{ url: string }> => {
    let left = batches;
    const failing: Database = {
      ...database,
      transaction: (work) => {
        left -= 1;
        if (left < 0) return Promise.reject(new Error('terminating connection'));
        return database.transaction(work);
      },
    };
    const server = createServer((request, response) => {
      ingestPredictions(request, response, { database: failing }).catch(() => {});
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    servers.push(() => new Promise((resolve) => server.close(() => resolve())));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  };

  it('before the first batch, it answers 503', async () => {
    const id = unique('unavailable');
    expect(await post(await failingAfter(0), '/v1/predictions', line(id))).toEqual({
      status: 503,
      lines: [
        {
          error: {
            code: 'UNAVAILABLE',
            message:
              'The database cannot store records now: 0 lines were acknowledged; send the rest again.',
          },
        },
      ],
    });
    expect(await storedLike(id)).toBe(0);
  });

  it('later, what was acknowledged stays and the last line tells how far that was', async () => {
    const prefix = unique('midway');
    const texts = Array.from({ length: 11_000 }, (_, n) => line(`${prefix}-${n}`));
    const { status, lines } = await post(
      await failingAfter(1),
      '/v1/predictions',
      texts.join('\n'),
    );
    expect(status).toBe(200);
    expect(lines).toEqual([
      { acknowledged: 10_000 },
      {
        error: {
          code: 'UNAVAILABLE',
          message:
            'The database cannot store records now: 10000 lines were acknowledged; send the rest again.',
        },
      },
    ]);
    expect(await storedLike(prefix)).toBe(10_000);
  });
});

it('keeps what was committed when the client hangs up, and nothing half-written', async () => {
  const prefix = unique('hangup');
  const texts = Array.from({ length: BATCH_LINES }, (_, n) => line(`${prefix}-${n}`));
  await new Promise<void>((resolve, reject) => {
    const request = httpRequest(`${hindcast.url}/v1/predictions`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
    });
    request.on('response', (response) => {
      response.once('data', () => {
        request.destroy();
        resolve();
      });
    });
    request.on('error', reject);
    request.write(`${texts.join('\n')}\n${line(`${prefix}-rest`).slice(0, 40)}`);
  });
  expect(await storedLike(prefix)).toBe(BATCH_LINES);
  const kept = await database.query({
    text: `SELECT id FROM rejected_record WHERE raw LIKE $1::bytea`,
    values: [Buffer.from(`%${prefix}%`)],
  });
  expect(kept).toEqual([]);
});

it('reads no further than it can store', async () => {
  const prefix = unique('pressure');
  let release = (): void => {};
  const opened = new Promise<void>((resolve) => {
    release = resolve;
  });
  const slow: Database = {
    ...database,
    transaction: async (work) => {
      await opened;
      return database.transaction(work);
    },
  };
  let given = 0;
  // 40 MB: more than two batches of 8 MB and all that the system keeps for two sockets.
  const output = { filler: '.'.repeat(2000) };
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (; given < 20_000; given += 100) {
      const texts = Array.from({ length: 100 }, (_, n) =>
        line(`${prefix}-${given + n}`, { output }),
      );
      yield Buffer.from(`${texts.join('\n')}\n`);
    }
  }
  const server = createServer((request, response) => {
    ingestPredictions(request, response, { database: slow }).catch(() => {});
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const request = httpRequest(`http://127.0.0.1:${port}/v1/predictions`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
  });
  const answered = new Promise<string>((resolve, reject) => {
    request.on('error', reject);
    request.on('response', async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve(text);
    });
  });
  Readable.from(endless()).pipe(request);
  let before = -1;
  while (before !== given) {
    before = given;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  // Two batches and what fits into the sockets between.
  expect(given).toBeLessThan(20_000);
  release();
  expect(await answered).toContain('"stored":20000');
  server.close();
});
