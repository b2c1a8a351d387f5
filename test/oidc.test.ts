import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { base64url, exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { afterAll, describe, expect, it } from 'vitest';
import type { OidcOptions } from '../src/platform/config.ts';
import { tokenVerifier } from '../src/server/token-verifier.ts';
import { askEveryWay, startClosed } from './setup/closed.ts';
import { openTestDatabase } from './setup/database.ts';

interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly pair: Awaited<ReturnType<typeof generateKeyPair>>;
}

const newKey = async (kid: string, alg: string): Promise<SigningKey> => ({
  kid,
  alg,
  pair: await generateKeyPair(alg, { extractable: true }),
});

const first = await newKey('first', 'ES256');
const second = await newKey('second', 'RS256');
const stranger = await newKey('first', 'ES256');

let published: readonly SigningKey[] = [first];
let keysUrl: string | null = null;
const issuerServer = createServer(async (request, response) => {
  const keys = await Promise.all(
    published.map(async ({ kid, alg, pair }) => ({
      ...(await exportJWK(pair.publicKey)),
      kid,
      alg,
      use: 'sig',
    })),
  );
  const document = request.url?.startsWith('/.well-known')
    ? { issuer, jwks_uri: keysUrl ?? `${issuer}/keys` }
    : { keys };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
});
await new Promise<void>((resolve) => issuerServer.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${(issuerServer.address() as AddressInfo).port}`;

const oidc: OidcOptions = {
  issuer,
  audience: 'hindcast',
  jwksUrl: null,
  nameClaim: 'sub',
  scopesClaim: 'scope',
  modelsClaim: 'hindcast_models',
};
const database = await openTestDatabase();
const server = await startClosed(database, { oidc });
afterAll(async () => {
  await server.close();
  issuerServer.close();
  await database.close();
});

const now = () => Math.floor(Date.now() / 1000);

const token = (
  claims: Record<string, unknown> = {},
  { kid, alg, pair }: SigningKey = first,
  header: object = {},
): Promise<string> =>
  new SignJWT({
    iss: issuer,
    aud: 'hindcast',
    sub: 'alice',
    iat: now(),
    exp: now() + 300,
    scope: 'openid registry:read everything',
    ...claims,
  })
    .setProtectedHeader({ alg, kid, ...header })
    .sign(pair.privateKey);

const unsigned = async (header: object): Promise<string> => {
  const [, payload] = (await token()).split('.');
  return `${base64url.encode(JSON.stringify(header))}.${payload}.`;
};

const HELLO = '{ serverInfo { version } models { nodes { name } } }';
const statusOf = async (text: string): Promise<number> =>
  (await askEveryWay(server, text, HELLO)).status;

describe('a token', () => {
  it('of the issuer speaks for whom it names, with the scopes that are known here', async () => {
    expect(await statusOf(await token())).toBe(200);
    // Scopes may also be a list.
    expect(await statusOf(await token({ scope: ['registry:read'] }))).toBe(200);
    const { status, errors } = await askEveryWay(server, await token({ scope: 'openid' }), HELLO);
    expect([status, errors?.[0]?.extensions]).toEqual([
      403,
      { code: 'FORBIDDEN', scopes: ['registry:read'] },
    ]);
    // A claim of models restricts, and one that cannot be read restricts to none.
    expect(await statusOf(await token({ hindcast_models: ['flight-*'] }))).toBe(403);
    const hidden = '{ model(name: "flight-delay") { name } }';
    const odd = await askEveryWay(server, await token({ hindcast_models: 7 }), hidden);
    expect([odd.status, odd.data]).toEqual([200, { model: null }]);
  });

  it('is taken with the keys that the issuer publishes now', async () => {
    const early = await token({}, second);
    expect(await statusOf(early)).toBe(401);
    published = [second];
    // Unknown keys are looked for again after five seconds at the earliest.
    await expect
      .poll(async () => statusOf(await token({ jti: String(Math.random()) }, second)), {
        timeout: 20_000,
        interval: 500,
      })
      .toBe(200);
    expect(await statusOf(await token({ jti: 'late' }))).toBe(401);
    published = [first, second];
    await expect
      .poll(async () => statusOf(await token({ jti: String(Math.random()) })), {
        timeout: 20_000,
        interval: 500,
      })
      .toBe(200);
  }, 60_000);

  it.each<[string, () => Promise<string>]>([
    ['of another issuer', () => token({ iss: 'https://issuer.test' })],
    ['for another audience', () => token({ aud: 'another' })],
    ['for no audience', () => token({ aud: undefined })],
    ['that is over, by more than clocks differ', () => token({ exp: now() - 31 })],
    ['that never ends', () => token({ exp: undefined })],
    ['that is not yet valid', () => token({ nbf: now() + 120 })],
    ['that names nobody', () => token({ sub: undefined })],
    ['with a signature of somebody else', () => token({}, stranger)],
    [
      'with another payload',
      async () =>
        (await token()).replace(
          /\.[^.]+\./,
          `.${base64url.encode(JSON.stringify({ iss: issuer, aud: 'hindcast', sub: 'eve', exp: now() + 300, scope: 'admin' }))}.`,
        ),
    ],
    ['without a signature', () => unsigned({ alg: 'none' })],
    ['without a signature, and a key', () => unsigned({ alg: 'none', kid: 'first' })],
    ['that says nothing', async () => 'e30.e30.e30'],
    ['that is none', async () => 'x'],
  ])('is refused %s', async (_, make) => {
    expect(await statusOf(await make())).toBe(401);
  });

  it('is refused when the public key was taken for a shared secret', async () => {
    const pem = new TextEncoder().encode(await exportSPKI(first.pair.publicKey));
    const jwk = new TextEncoder().encode(JSON.stringify(await exportJWK(first.pair.publicKey)));
    for (const secret of [pem, jwk]) {
      const forged = await new SignJWT({
        iss: issuer,
        aud: 'hindcast',
        sub: 'eve',
        exp: now() + 300,
      })
        .setProtectedHeader({ alg: 'HS256', kid: 'first' })
        .sign(secret);
      expect(await statusOf(forged)).toBe(401);
    }
  });

  it('is taken within the difference of clocks', async () => {
    expect(await statusOf(await token({ exp: now() - 10 }))).toBe(200);
  });

  it('cannot be checked by keys that the issuer names at an address that others can answer for', async () => {
    keysUrl = 'http://keys.example.test/keys';
    try {
      await expect(tokenVerifier(oidc)(await token())).rejects.toMatchObject({
        name: 'IssuerUnreachableError',
        cause: {
          message: expect.stringMatching(/ names keys at http:.*, which must start with https:/),
        },
      });
    } finally {
      keysUrl = null;
    }
  });

  it('cannot be checked while the issuer does not answer, which is no fault of its own', async () => {
    const other = await startClosed(database, {
      oidc: { ...oidc, jwksUrl: 'http://127.0.0.1:9/' },
    });
    const answer = await askEveryWay(other, await token(), HELLO);
    expect([answer.status, answer.errors?.[0]?.extensions]).toEqual([
      503,
      { code: 'ISSUER_UNREACHABLE' },
    ]);
    await other.close();
  });
});
