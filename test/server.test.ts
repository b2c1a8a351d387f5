import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { folderStore } from '../src/platform/artifact-store.ts';
import './setup/probe.ts';
import { localActor } from '../src/platform/context.ts';
import type { Database } from '../src/platform/database.ts';
import { type ServerOptions, startServer } from '../src/server/http-server.ts';
import { createLog } from '../src/server/log.ts';
import { StartError } from '../src/server/request-guard.ts';
import { type Route, sendJson } from '../src/server/routes.ts';
import { openTestDatabase } from './setup/hindcast.ts';
import { LANES, ROUNDS, YOGA_PATH } from './setup/lanes.ts';
import { gate } from './setup/probe.ts';
import { sendRaw } from './setup/raw-socket.ts';

const database = await openTestDatabase();
const lines: Record<string, unknown>[] = [];
const log = createLog('info', { write: (line: string) => lines.push(JSON.parse(line)) });

const routes: Route[] = [
  {
    method: 'POST',
    path: '/v1/count',
    scope: null,
    handle: async (request, response, { actor }) => {
      let size = 0;
      for await (const chunk of request) size += chunk.length;
      sendJson(response, 200, { size, actor: actor.name });
    },
  },
  {
    method: 'POST',
    path: '/v1/fail',
    scope: null,
    handle: () => Promise.reject(new Error('the password is hunter2')),
  },
];

const start = (options: Partial<ServerOptions> = {}) =>
  startServer({
    database,
    actor: localActor('tester'),
    artifacts: folderStore('no-such-folder'),
    log,
    host: '127.0.0.1',
    port: 0,
    routes,
    ...options,
  });

const server = await start();
const port = Number(new URL(server.url).port);
afterAll(async () => {
  await server.close();
  await database.close();
});

/** A request with exactly these headers, which `fetch` would not send. */
const raw = (path: string, headers: Record<string, string>, method = 'GET') =>
  new Promise<{ status: number | undefined; headers: Record<string, unknown>; body: string }>(
    (resolve, reject) => {
      const sent = httpRequest({ host: '127.0.0.1', port, path, method, headers }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode, headers: response.headers, body }),
        );
      });
      sent.on('error', reject).end();
    },
  );

const graphql = (
  query: string,
  headers: Record<string, string> = {},
  url = server.url,
  path: string = '/graphql',
) =>
  fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
    body: JSON.stringify({ query }),
  });

/** A promise and the way to resolve it. */
const deferred = () => {
  let resolve = () => {};
  const promise = new Promise<void>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
};

/** The log's line about a request; it is written when the connection has let go of it. */
const logged = (requestId: string, msg = 'request') =>
  expect.poll(() => lines.find((line) => line.requestId === requestId && line.msg === msg));

describe('health', () => {
  it('is live, without asking the database', async () => {
    const statements: string[] = [];
    const stop = database.observe((sql) => statements.push(sql));
    const response = await fetch(`${server.url}/health/live`);
    stop();
    expect([response.status, await response.json()]).toEqual([200, { status: 'live' }]);
    expect(statements).toEqual([]);
  });

  it('is ready when the database answers and is up to date', async () => {
    const response = await fetch(`${server.url}/health/ready`);
    expect([response.status, await response.json()]).toEqual([200, { status: 'ready' }]);
    expect((await fetch(`${server.url}/health/ready`, { method: 'HEAD' })).status).toBe(200);
  });

  const readinessWith = async (query: Database['query']) => {
    const broken = await start({ database: { ...database, query } });
    const response = await fetch(`${broken.url}/health/ready`);
    const answer = [response.status, await response.json()];
    expect((await fetch(`${broken.url}/health/live`)).status).toBe(200);
    await broken.close();
    return answer;
  };

  it('is not ready while the database refuses', async () => {
    const refuse = () => Promise.reject(new Error('connection to server failed: password wrong'));
    expect(await readinessWith(refuse)).toEqual([
      503,
      { status: 'unavailable', reason: 'The database refuses to answer.' },
    ]);
  });

  it('is not ready while the database is silent', async () => {
    expect(await readinessWith(() => new Promise(() => {}))).toEqual([
      503,
      { status: 'unavailable', reason: 'The database did not answer within 2 s.' },
    ]);
  });

  it('is not ready while a migration is missing, or there is none', async () => {
    const [first] = await database.query<{ name: string }>({
      text: 'SELECT migration_name AS name FROM _prisma_migrations ORDER BY migration_name',
    });
    const reason = `Migration ${first?.name} is not applied. Run \`hindcast migrate\`.`;
    const expected = [503, { status: 'unavailable', reason }];
    expect(await readinessWith(async () => [])).toEqual(expected);
    const missing = { code: '42P01' };
    expect(
      await readinessWith(({ text }) =>
        text.includes('_prisma_migrations') ? Promise.reject(missing) : Promise.resolve([]),
      ),
    ).toEqual(expected);
  });

  it('is not ready on a database of a newer version', async () => {
    const recorded = { migration_name: '9_new', checksum: '', is_finished: true, logs: null };
    const query = async <Row>({ text }: { text: string }) =>
      (text.includes('_prisma_migrations') ? [recorded] : []) as Row[];
    expect(await readinessWith(query)).toEqual([
      503,
      {
        status: 'unavailable',
        reason:
          'The database has migration 9_new, which this version of Hindcast does not know. ' +
          'It was written by a newer version: install that version or later.',
      },
    ]);
  });
});

describe('paths', () => {
  it('sends visitors of the root to GraphQL', async () => {
    const response = await fetch(server.url, { redirect: 'manual' });
    expect([response.status, response.headers.get('location')]).toEqual([302, '/graphql']);
  });

  it.each(['/nothing', '/graphql/', '/health', '/v1/count/', '//'])(
    'has nothing at %s',
    async (path) => {
      const response = await fetch(server.url + path);
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual({
        errors: [{ message: 'There is nothing at this path.', extensions: { code: 'NOT_FOUND' } }],
      });
    },
  );

  it.each([
    ['/graphql', 'DELETE', 'GET, POST'],
    ['/graphql', 'OPTIONS', 'GET, POST'],
    ['/health/live', 'POST', 'GET, HEAD'],
    ['/v1/count', 'GET', 'POST'],
    ['/', 'PUT', 'GET, HEAD'],
  ])('refuses %s by %s', async (path, method, allow) => {
    const response = await fetch(server.url + path, { method });
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow]);
    expect(await response.json()).toEqual({
      errors: [
        { message: `This path takes ${allow}.`, extensions: { code: 'METHOD_NOT_ALLOWED' } },
      ],
    });
  });

  it('hands routes the request and the context', async () => {
    const response = await fetch(`${server.url}/v1/count`, { method: 'POST', body: 'abc' });
    expect(await response.json()).toEqual({ size: 3, actor: 'tester' });
  });
});

describe('security', () => {
  it.each(['/graphql?query={__typename}', '/health/live', '/nothing'])(
    'sets headers on %s',
    async (path) => {
      const { headers } = await fetch(server.url + path, {
        headers: { origin: 'https://evil.test' },
      });
      expect(Object.fromEntries(headers)).toMatchObject({
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
      });
      expect(headers.get('access-control-allow-origin')).toBeNull();
    },
  );

  it.each([
    ['evil.test', 421],
    [`evil.test:${port}`, 421],
    ['127.0.0.1.evil.test', 421],
    ['localhost@evil.test', 421],
    ['localhost', 200],
    ['LOCALHOST:1', 200],
    ['127.0.0.1', 200],
    [`[::1]:${port}`, 200],
  ])('answers a request for host "%s" with %i', async (host, status) => {
    const answer = await raw('/graphql?query={__typename}', { host });
    expect(answer.status).toBe(status);
    if (status === 421) {
      expect(JSON.parse(answer.body)).toEqual({
        errors: [
          {
            message: 'This is not the host asked for. Use localhost, 127.0.0.1 or [::1].',
            extensions: { code: 'MISDIRECTED_REQUEST' },
          },
        ],
      });
    }
  });

  it.each(['/health/live', '/health/ready'])(
    'answers %s under any name, since probes ask by address',
    async (path) => {
      for (const host of ['10.1.2.3:4000', 'evil.test', '[fd00::1]:4000', '']) {
        expect((await raw(path, { host })).status).toBe(200);
      }
      expect((await raw('/health', { host: '10.1.2.3' })).status).toBe(421);
    },
  );

  it('refuses targets that are not paths', async () => {
    expect((await raw('http://evil.test/graphql', { host: 'localhost' })).status).toBe(421);
  });

  it.each(['0.0.0.0', '::', '192.168.1.5', 'example.org'])(
    'refuses to listen on %s',
    async (host) => {
      const refused = start({ host });
      await expect(refused).rejects.toThrow(StartError);
      await expect(refused).rejects.toThrow(
        `Refusing to listen on ${host}: credentials are not configured, so anyone who reaches it could read and write ` +
          'everything. Use 127.0.0.1, ::1 or localhost.',
      );
    },
  );

  it('says when its port is in use', async () => {
    const refused = start({ port });
    await expect(refused).rejects.toThrow(StartError);
    await expect(refused).rejects.toThrow(
      `Port ${port} of 127.0.0.1 is in use. Stop what uses it, or choose another with --port.`,
    );
  });
});

describe('errors', () => {
  const masked = { message: 'Unexpected error.', extensions: { code: 'INTERNAL_SERVER_ERROR' } };

  it.each(ROUNDS.map((path, round) => [path, round]))(
    'hides what went wrong in a resolver, and logs it, down %s, asked %i times before',
    async (path, round) => {
      const requestId = `hidden-${round}`;
      const response = await graphql(
        'query Q { probeFailure }',
        { 'x-request-id': requestId },
        server.url,
        path,
      );
      expect(await response.json()).toEqual({
        data: { probeFailure: null },
        errors: [{ ...masked, path: ['probeFailure'], locations: [{ line: 1, column: 11 }] }],
      });
      await logged(requestId, 'unexpected').toMatchObject({
        level: 50,
        path: ['probeFailure'],
        err: { type: 'Error', message: 'the password is hunter2', stack: expect.any(String) },
      });
    },
  );

  it('hides what went wrong in a route, and logs it with the request ID', async () => {
    const headers = { 'x-request-id': 'hidden-route' };
    const response = await fetch(`${server.url}/v1/fail`, { method: 'POST', headers });
    expect([response.status, await response.json()]).toEqual([500, { errors: [masked] }]);
    await logged('hidden-route', 'unexpected').toMatchObject({
      err: { message: 'the password is hunter2' },
    });
  });

  it.each(LANES)('shows a failure that a caller can act on down %s', async (_, path) => {
    const response = await graphql('{ probeRefusal }', {}, server.url, path);
    expect(await response.json()).toEqual({
      data: { probeRefusal: null },
      errors: [
        {
          message: 'There is no probe.',
          path: ['probeRefusal'],
          locations: [{ line: 1, column: 3 }],
          extensions: { code: 'BAD_USER_INPUT' },
        },
      ],
    });
  });
});

describe('request IDs and the log', () => {
  it('gives back a sane request ID', async () => {
    const id = 'a'.repeat(128);
    const response = await graphql('{ __typename }', { 'x-request-id': id });
    expect(response.headers.get('x-request-id')).toBe(id);
  });

  it.each(['a'.repeat(129), 'a b', 'é'])('replaces the request ID "%s"', async (id) => {
    const response = await graphql('{ __typename }', { 'x-request-id': id });
    expect(response.headers.get('x-request-id')).toMatch(
      /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    );
  });

  it.each(LANES)('writes one line a request, without query or body, down %s', async (_, path) => {
    const requestId = `line-${path}`;
    const before = lines.length;
    const response = await fetch(server.url + path, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-request-id': requestId,
        'x-reason': 'hush',
        authorization: 'Bearer secret',
        cookie: 'session=secret',
      },
      body: JSON.stringify({
        query:
          'query Named($secret: Boolean! = true) { serverInfo @include(if: $secret) { version } # secret\n }',
        variables: { secret: true, other: 'secret' },
        extensions: { secret: 'secret' },
      }),
    });
    expect(response.status).toBe(200);
    await logged(requestId).toEqual({
      level: 30,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      requestId,
      method: 'POST',
      path: '/graphql',
      status: 200,
      ms: expect.any(Number),
      msg: 'request',
      operationName: 'Named',
    });
    expect(JSON.stringify(lines.slice(before))).not.toMatch(/secret|hush|serverInfo/);
  });

  it('writes no query of a URL', async () => {
    await fetch(`${server.url}/graphql?query={serverInfo{engine}}`, {
      headers: { 'x-request-id': 'line-2' },
    });
    await logged('line-2').toMatchObject({ method: 'GET', path: '/graphql' });
    expect(JSON.stringify(lines)).not.toMatch(/serverInfo/);
  });
});

describe('clients that go away', () => {
  it('are nothing to be alarmed about', async () => {
    for (const path of ['/graphql', '/v1/count']) {
      const id = `gone-${path.length}`;
      const headers = { 'x-request-id': id, 'content-type': 'application/json' };
      const sent = httpRequest({ host: '127.0.0.1', port, path, method: 'POST', headers });
      sent.on('error', () => {});
      sent.write('{"query":');
      await new Promise((resolve) => setTimeout(resolve, 50));
      sent.destroy();
      await logged(id).toMatchObject({ path, cutOff: true });
      expect(lines.filter(({ requestId, level }) => requestId === id && level === 50)).toEqual([]);
    }
  });
});

describe('requests that arrive slowly', () => {
  it.each(LANES)(
    'are refused with the limit, and their connection ends, down %s',
    async (_, path) => {
      const slow = await start({ arrivalSeconds: 0.2 });
      const before = lines.length;
      const headers = ['host: localhost', 'content-type: application/json', 'content-length: 50'];
      const first = `POST ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n{"query":`;
      const text = await sendRaw(slow.url, { first });
      expect(text).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
      expect(JSON.parse(text.slice(text.indexOf('{')).replace(/\}[^}]*$/, '}'))).toEqual({
        errors: [
          {
            message: 'The request did not arrive within 0.2 s.',
            extensions: { code: 'ARRIVAL_TIMEOUT', limit: 0.2 },
          },
        ],
      });
      await slow.close();
      expect(lines.slice(before).map(({ status, msg }) => [status, msg])).toEqual([
        [408, 'request'],
      ]);
    },
  );
});

it('closes connections beyond their limit as they come, until others ended', async () => {
  const small = await start({ connections: { atOnce: 20, headerSeconds: 1, idleSeconds: 1 } });
  const before = lines.length;
  const ends = await Promise.all(
    Array.from({ length: 50 }, () => sendRaw(small.url, { first: '' })),
  );
  expect(ends.filter((text) => text.startsWith('HTTP/1.1 408 '))).toHaveLength(20);
  expect(ends.filter((text) => text === '')).toHaveLength(30);
  expect(lines.slice(before)).toMatchObject([
    { level: 40, limit: 20, msg: 'too many connections: new ones are closed' },
  ]);
  expect((await fetch(`${small.url}/health/live`)).status).toBe(200);
  await small.close();
});

it('leaves a connection alone whose body nobody read, but which came', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const send = (body: Buffer) =>
    new Promise<readonly [number | undefined, number | undefined]>((resolve, reject) => {
      const sent = httpRequest(
        {
          agent,
          host: '127.0.0.1',
          port,
          path: YOGA_PATH,
          method: 'POST',
          headers: { 'content-type': 'application/json', 'content-length': body.length },
        },
        (response) => {
          const { localPort } = response.socket;
          response.resume().on('end', () => resolve([response.statusCode, localPort]));
        },
      );
      sent.on('error', reject).end(body);
    });
  const [status, first] = await send(Buffer.alloc(3 * 1024 * 1024, ' '));
  expect(status).toBe(413);
  // Longer than a body may go on after its answer.
  await new Promise((resolve) => setTimeout(resolve, 1200));
  expect(await send(Buffer.from('{"query":"{ __typename }"}'))).toEqual([200, first]);
  agent.destroy();
});

describe('closing', () => {
  it('finishes what it accepted and accepts no more', async () => {
    const { promise: opened, resolve: open } = deferred();
    const { promise: reached, resolve: reach } = deferred();
    gate.opened = opened;
    gate.isReached = reach;
    const closing = await start();
    const address = { host: '127.0.0.1', port: Number(new URL(closing.url).port) };

    const silent = connect(address);
    await new Promise((resolve) => silent.once('connect', resolve));
    const silentEnd = new Promise((resolve) => silent.once('close', resolve));
    const waiting = graphql('{ probeWait }', {}, closing.url);
    const upload = httpRequest({ ...address, method: 'POST', path: '/v1/count' });
    const uploaded = new Promise<string>((resolve) => {
      upload.once('response', (response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () => resolve(body));
      });
    });
    upload.write('first half, ');
    await reached;
    await fetch(`${closing.url}/health/live`);

    const closed = closing.close();
    expect(closing.close()).toBe(closed);
    await silentEnd;
    await expect(fetch(`${closing.url}/health/live`)).rejects.toThrow('fetch failed');
    upload.end('second half');
    expect(await uploaded).toBe('{"size":23,"actor":"tester"}');
    open();
    expect(await (await waiting).json()).toEqual({ data: { probeWait: 'done' } });
    await closed;
  });

  it('cuts off what does not end in time', async () => {
    gate.opened = new Promise(() => {});
    const { promise: reached, resolve: reach } = deferred();
    gate.isReached = reach;
    const closing = await start({ closePatience: 50 });
    const waiting = graphql('{ probeWait }', { 'x-request-id': 'cut-1' }, closing.url);
    const failed = expect(waiting).rejects.toThrow('fetch failed');
    await reached;
    await closing.close();
    await failed;
    await logged('cut-1').toMatchObject({ cutOff: true });
  });
});
