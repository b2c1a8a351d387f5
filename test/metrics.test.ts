import { expect, it } from 'vitest';
import { localActor, SCOPES } from '../src/platform/context.ts';
import { ensurePartitions } from '../src/prediction/partitions.ts';
import { createLog } from '../src/server/log.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { makeKey, startClosed } from './setup/closed.ts';
import { openTestDatabase } from './setup/database.ts';
import { openTestHindcast } from './setup/hindcast.ts';
import { ROUNDS } from './setup/lanes.ts';
import { append, field, line, served } from './setup/registration.ts';
import { someSigner } from './setup/signer.ts';

const lines: Record<string, unknown>[] = [];
const hindcast = await openTestHindcast(localActor('tester'), logRoutes, null, someSigner(), {
  hasMetrics: true,
  slowMs: 0,
  log: createLog('info', { write: (text: string) => lines.push(JSON.parse(text)) }),
});
const { fetch } = hindcast;

const send = async (path: string, query: string, variables: object = {}): Promise<void> => {
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  const body = JSON.stringify({ query, variables });
  await (await fetch(path, { method: 'POST', headers, body })).text();
};

/** The samples of a scrape by name and labels. */
const scrape = async (): Promise<ReadonlyMap<string, number>> => {
  const response = await fetch('/metrics');
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const samples = (await response.text()).split('\n').filter((text) => /^\w/.test(text));
  return new Map(
    samples.map((text) => {
      const space = text.lastIndexOf(' ');
      return [text.slice(0, space), Number(text.slice(space + 1))];
    }),
  );
};

const requests = (operation: string, status: number, errors = false): string =>
  `hindcast_requests_total{operation="${operation}",status="${status}",errors="${errors}"}`;

it('tells Prometheus what was asked, what it cost, what was appended, and how the database stands', async () => {
  const { version, endpoint } = await served(hindcast, [field('distance')]);
  const occurredAt = new Date(Date.now() - 3_600_000).toISOString();
  const record = line(version, endpoint, { distance: 1 }, { occurredAt });
  await append(hindcast, [record, record, { ...record, score: 0.25 }, { requestId: 'no' }]);
  for (const path of ROUNDS) {
    await send(path, 'query Mine { models(first: 10) { nodes { name } } }');
    await send(path, '{ model(name: "x") { name } models(first: 10) { nodes { name } } }');
    await send(path, '{ nothing }');
    await send(path, 'query ($id: ID!) { node(id: $id) { id } }', { id: 'nonsense' });
  }
  await fetch('/nowhere');
  const samples = await scrape();
  const expected = {
    [requests('models', 200)]: ROUNDS.length,
    [requests('several', 200)]: ROUNDS.length,
    [requests('none', 200, true)]: ROUNDS.length,
    [requests('node', 200, true)]: ROUNDS.length,
    [requests('/v1/predictions', 200)]: 1,
    [requests('none', 404)]: 1,
    'hindcast_operation_cost_count{operation="models"}': ROUNDS.length,
    'hindcast_request_duration_seconds_count{operation="/v1/predictions"}': 1,
    'hindcast_records_total{kind="prediction",result="stored"}': 1,
    'hindcast_records_total{kind="prediction",result="duplicates"}': 1,
    'hindcast_records_total{kind="prediction",result="conflicts"}': 1,
    'hindcast_records_total{kind="prediction",result="rejected"}': 1,
    // An hour, and less than six.
    'hindcast_append_lag_seconds_bucket{le="900"}': 0,
    'hindcast_append_lag_seconds_bucket{le="21600"}': 1,
    hindcast_database_up: 1,
    hindcast_replay_jobs: 0,
  };
  expect(Object.fromEntries(samples)).toMatchObject(expected);
  expect(samples.get('hindcast_unsealed_seconds')).toBeGreaterThan(0);
  expect(samples.get('hindcast_sql_statements_total')).toBeGreaterThan(0);
  expect(samples.has('hindcast_pool_connections{state="waiting"}')).toBe(
    hindcast.database.engine === 'postgresql',
  );

  await ensurePartitions(hindcast.database, [(Date.now() + 30 * 86_400_000) * 1000]);
  const after = await scrape();
  expect(after.get('hindcast_partitions_ahead')).toBe(
    Number(samples.get('hindcast_partitions_ahead')) + 1,
  );
});

it('logs a slow operation with its cost and its statements', async () => {
  const document = 'query Listed { models(first: 7) { nodes { name } } }';
  await send('/graphql', document);
  const statements = await hindcast.statementsOf(() => send('/graphql', document));
  for (const path of ROUNDS) await send(path, document);
  const slow = lines.filter(
    ({ msg, operationName }) => msg === 'slow operation' && operationName === 'Listed',
  );
  expect(slow).toHaveLength(2 + ROUNDS.length);
  for (const one of slow) {
    expect(one).toMatchObject({
      level: 40,
      operation: 'models',
      cost: 8,
      statements: statements.length,
      requestId: expect.any(String),
      ms: expect.any(Number),
    });
  }
});

it('has no metrics unless they are asked for', async () => {
  const plain = await openTestHindcast();
  expect((await plain.fetch('/metrics')).status).toBe(404);
});

it('shows its metrics to who has `registry:read` and all models, as soon as there are credentials', async () => {
  const database = await openTestDatabase();
  const { text: scraper } = await makeKey(database, ['registry:read']);
  const { text: sender } = await makeKey(database, ['predictions:write']);
  const { text: restricted } = await makeKey(database, SCOPES, { models: ['flight-*'] });
  const closed = await startClosed(database, {}, { hasMetrics: true });
  try {
    const statusOf = async (key: string | null): Promise<number> => {
      const headers = key === null ? {} : { authorization: `Bearer ${key}` };
      const response = await globalThis.fetch(`${closed.url}/metrics`, { headers });
      const body = await response.text();
      expect(body.includes('hindcast_database_up')).toBe(response.status === 200);
      return response.status;
    };
    expect(await statusOf(scraper)).toBe(200);
    expect(await statusOf(sender)).toBe(403);
    expect(await statusOf(restricted)).toBe(403);
    expect(await statusOf(null)).toBe(401);
    expect(await statusOf('hc_nonsense')).toBe(401);
  } finally {
    await closed.close();
    await database.close();
  }
});
