import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { attacks } from './setup/attacks.ts';
import { openTestHindcast } from './setup/hindcast.ts';
import { LANES } from './setup/lanes.ts';

const hindcast = await openTestHindcast();

interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions?: { code?: string };
  }[];
}

describe.each(LANES)('down %s', (_, path) => {
  const post = async (
    body: string | Uint8Array<ArrayBuffer>,
    headers: Readonly<Record<string, string>> = {},
  ) => {
    const response = await hindcast.fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
      body,
    });
    const text = await response.text();
    return { status: response.status, answer: JSON.parse(text) as Answer, text };
  };

  it.each(attacks('s'))('$name comes to nothing', async ({ body, status, code }) => {
    // As often as it takes to be remembered and compiled.
    for (let round = 0; round < (body.length > 100_000 ? 1 : 4); round += 1) {
      const answered = await post(body);
      const codes = new Set(
        (answered.answer.errors ?? []).map(({ extensions }) => extensions?.code ?? ''),
      );
      expect([answered.status, ...codes]).toEqual([status, ...(code === null ? [] : [code])]);
      if (code === null) expect(answered.answer.data).not.toBeNull();
      // Nothing of the code or the machine is told.
      expect(answered.text).not.toMatch(/node_modules|\.ts:\d|\\n +at /);
    }
  });

  it('what is compressed is not read', async () => {
    const bomb = gzipSync(`{"query":"{ __typename }","pad":"${'x'.repeat(30_000_000)}"}`);
    for (const encoding of ['gzip', 'deflate', 'br', 'zstd', 'gzip, gzip', 'identity, gzip']) {
      const { status, answer } = await post(new Uint8Array(bomb), { 'content-encoding': encoding });
      expect([status, answer.errors?.[0]?.extensions?.code]).toEqual([
        415,
        'UNSUPPORTED_MEDIA_TYPE',
      ]);
    }
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json, text/plain',
    '',
  ])('a body that a form of another site could send (%s) is not read', async (type) => {
    const { status, answer } = await post('{"query":"mutation { sealLedger { __typename } }"}', {
      'content-type': type,
      origin: 'https://evil.test',
    });
    expect([status, answer.errors?.[0]?.extensions?.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
  });

  it('no page of another site reads what is answered', async () => {
    const response = await hindcast.fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: 'https://evil.test' },
      body: '{"query":"{ __typename }"}',
    });
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
    expect(
      [...response.headers.keys()].filter((name) => name.startsWith('access-control')),
    ).toEqual([]);
    const preflight = await hindcast.fetch(path, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.test', 'access-control-request-method': 'POST' },
    });
    expect(preflight.status).toBe(405);
  });
});

it('nothing was changed for good', () => {
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});
