import { describe, expect, it } from 'vitest';
import { listApiKeys, recordKeyUses, revokeApiKey } from '../src/access/api-key.ts';
import { isKeyText, newKeyText } from '../src/access/key-text.ts';
import { localActor } from '../src/platform/context.ts';
import { openAuthenticator } from '../src/server/authenticate.ts';
import { rateLimiter } from '../src/server/rate-limit.ts';
import { StartError } from '../src/server/request-guard.ts';
import { type Route, sendJson } from '../src/server/routes.ts';
import { askWith, makeKey, startClosed } from './setup/closed.ts';
import { openTestDatabase, statementsDuring } from './setup/database.ts';
import { LANES, ROUNDS } from './setup/lanes.ts';

const database = await openTestDatabase();
const HELLO = '{ serverInfo { engine } }';

describe('a server', () => {
  it('refuses to listen for others without credentials and names, and listens with both', async () => {
    const empty = await openTestDatabase();
    const open = (hosts: readonly string[]) => startClosed(empty, { hosts }, { host: '0.0.0.0' });
    await expect(open([])).rejects.toThrow(StartError);
    await expect(open(['hindcast.test'])).rejects.toThrow(
      'Refusing to listen on 0.0.0.0: credentials are not configured, so anyone who reaches it could read and write ' +
        'everything. Make a key with `hindcast keys create`, or set HINDCAST_OIDC_ISSUER and HINDCAST_OIDC_AUDIENCE.',
    );
    const local = await startClosed(empty);
    expect((await askWith(local, null, HELLO)).status).toBe(200);
    await local.close();

    const key = await makeKey(empty, ['registry:read']);
    await expect(open([])).rejects.toThrow(
      'Refusing to listen on 0.0.0.0: the names it is reached by are not configured.',
    );
    const server = await open(['hindcast.test']);
    const url = server.url.replace('0.0.0.0', '127.0.0.1');
    expect((await askWith({ url }, null, HELLO)).status).toBe(401);
    expect((await askWith({ url }, key.text, HELLO)).data).toEqual({
      serverInfo: { engine: empty.engine.toUpperCase() },
    });
    for (const [, path] of LANES) {
      const hidden = '{ __schema { queryType { name } } }';
      const { status, errors } = await askWith({ url }, key.text, hidden, { path });
      expect([status, errors?.[0]?.extensions]).toEqual([403, { code: 'FORBIDDEN', scopes: [] }]);
    }
    expect((await fetch(`${url}/graphql`, { headers: { accept: 'text/html' } })).status).toBe(401);
    await server.close();

    await revokeApiKey(empty, key.id, { reason: 'over', actor: 'tester' });
    const stillClosed = await startClosed(empty);
    expect((await askWith(stillClosed, null, HELLO)).status).toBe(401);
    await stillClosed.close();
    await empty.close();
  });
});

describe('a key', () => {
  it('is refused when it is missing, malformed, unknown, expired or revoked, in both lanes alike', async () => {
    const good = await makeKey(database, ['registry:read']);
    const expired = await makeKey(database, ['registry:read'], { expiresAt: 1 });
    const revoked = await makeKey(database, ['registry:read']);
    await revokeApiKey(database, revoked.id, { reason: 'lost', actor: 'tester' });
    const unknown = newKeyText();
    const server = await startClosed(database);
    const refused = [null, 'hc_1', unknown, `${good.text}0`, expired.text, revoked.text];
    for (const [, path] of LANES) {
      for (const text of refused) {
        const { status, headers, errors } = await askWith(server, text, HELLO, { path });
        expect(status).toBe(401);
        expect(headers.get('www-authenticate')).toBe('Bearer realm="hindcast"');
        expect(errors).toEqual([
          {
            message: 'Show a key or token that holds: `authorization: Bearer …`.',
            extensions: { code: 'UNAUTHENTICATED' },
          },
        ]);
      }
      expect((await askWith(server, good.text, HELLO, { path })).status).toBe(200);
    }
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
    await server.close();
  });

  it('is kept as a hash that nobody can call with, recognised by its form, and its use noted', async () => {
    const { id, text } = await makeKey(database, ['admin'], {
      name: 'hashed',
      models: ['a', 'b-*'],
    });
    expect(text).toMatch(/^hc_[0-9a-f]{72}$/);
    expect(isKeyText(text)).toBe(true);
    expect(isKeyText(text.replace(/.$/, (last) => (last === '0' ? '1' : '0')))).toBe(false);
    const [row] = await database.query<{ whole: string }>({
      text: 'SELECT row_to_json(k)::text AS whole FROM api_key k WHERE id = $1',
      values: [id],
    });
    expect(row?.whole).not.toContain(text.slice(3, 67));
    const at = 1_750_000_000_000_000;
    await recordKeyUses(database, new Map([[id, at]]));
    await recordKeyUses(database, new Map([[id, at - 1]]));
    expect((await listApiKeys(database)).find((key) => key.id === id)).toMatchObject({
      name: 'hashed',
      scopes: ['admin'],
      models: ['a', 'b-*'],
      createdBy: 'tester',
      revokedAt: null,
      lastUsedAt: at,
    });
  });

  it('costs no statement while it is trusted, and its last use is written when the server stops', async () => {
    const { id, text } = await makeKey(database, ['registry:read']);
    const authenticator = openAuthenticator({
      database,
      oidc: null,
      rate: null,
      onError: () => undefined,
    });
    const headers = { authorization: `Bearer ${text}` };
    const statements = await statementsDuring(database, async () => {
      for (let round = 0; round < 5; round += 1) {
        expect((await authenticator.authenticate(headers))?.name).toBe('somebody');
      }
    });
    expect(statements).toHaveLength(1);
    await authenticator.stop();
    const key = (await listApiKeys(database)).find((one) => one.id === id);
    expect(key?.lastUsedAt).not.toBeNull();
  });
});

describe('an actor', () => {
  it.each(LANES)(
    'is held to its rate everywhere by the cost of what it asked down %s',
    async (_, first) => {
      const { text } = await makeKey(database, ['registry:read', 'predictions:write'], {
        name: `hasty down ${first}`,
        rate: 10,
      });
      const server = await startClosed(database);
      const query = '{ models(first: 90) { nodes { name } } }';
      expect((await askWith(server, text, query, { path: first })).status).toBe(200);
      for (const path of ROUNDS) {
        const { status, headers, errors } = await askWith(server, text, query, { path });
        expect([status, errors?.[0]?.extensions]).toEqual([
          429,
          { code: 'RATE_LIMITED', retryAfter: expect.any(Number) },
        ]);
        expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      }
      const route = await fetch(`${server.url}/v1/predictions`, {
        method: 'POST',
        body: '',
        headers: { authorization: `Bearer ${text}`, 'content-type': 'application/x-ndjson' },
      });
      expect(route.status).toBe(429);
      await server.close();
    },
  );

  it('saves up no more than ten seconds, and gets back as time passes', () => {
    let now = 0;
    const wait = rateLimiter(() => now);
    const actor = { ...localActor('a'), rate: 10 };
    expect(wait(localActor('a'), 1_000_000)).toBe(0);
    expect([wait(actor, 60), wait(actor, 60)]).toEqual([0, 2]);
    now = 2000;
    expect(wait(actor, 60)).toBe(0);
    now = 1_000_000;
    // More than can be saved up is let through when all is there.
    expect([wait(actor, 500), wait(actor, 1)]).toEqual([0, 1]);
    expect(wait({ ...actor, name: 'b' }, 1)).toBe(0);
  });

  it('waits when too much is running', async () => {
    const { text } = await makeKey(database, ['predictions:write']);
    let open = (): void => undefined;
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    let reach = (): void => undefined;
    const reached = new Promise<void>((resolve) => {
      reach = resolve;
    });
    const slow: Route = {
      method: 'GET',
      path: '/v1/slow',
      scope: 'predictions:write',
      handle: async (_request, response) => {
        reach();
        await opened;
        sendJson(response, 200, {});
      },
    };
    const server = await startClosed(database, { concurrency: 1 }, { routes: [slow] });
    const first = fetch(`${server.url}/v1/slow`, { headers: { authorization: `Bearer ${text}` } });
    await reached;
    for (const [, path] of LANES) {
      const { status, headers, errors } = await askWith(server, text, HELLO, { path });
      expect([status, headers.get('retry-after'), errors?.[0]?.extensions]).toEqual([
        503,
        '1',
        { code: 'OVERLOADED' },
      ]);
    }
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
    open();
    expect((await first).status).toBe(200);
    await expect.poll(async () => (await askWith(server, text, HELLO)).status).toBe(200);
    await server.close();
  });
});
