import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { eraseEntity } from '../src/ledger/erase-entity.ts';
import { sealLedger } from '../src/ledger/seal.ts';
import { type VerificationReport, verifyLedger } from '../src/ledger/verify.ts';
import { folderArchive } from '../src/platform/archive-store.ts';
import { folderStore } from '../src/platform/artifact-store.ts';
import { localActor } from '../src/platform/context.ts';
import type { Database } from '../src/platform/database.ts';
import { migrate } from '../src/platform/migrate.ts';
import { openPostgresql } from '../src/platform/postgresql.ts';
import { appendOutcomes } from '../src/prediction/store-outcomes.ts';
import { OPERATIONS_FOLDER } from '../src/server/operations.ts';
import { openTestDatabase, unique } from './setup/database.ts';
import { rawLines } from './setup/ingest.ts';
import { copyDatabase, databaseAt, dropDatabase, joinNodes } from './setup/postgresql-database.ts';
import { append, field, line, type Route, served } from './setup/registration.ts';
import { withServerOn } from './setup/server-on.ts';
import { someSigner } from './setup/signer.ts';

const template = inject('template');
const cluster = 'url' in template && template.nodes.length > 0 ? template : null;

const signer = someSigner();
const TRACE = await readFile(`${OPERATIONS_FOLDER}trace.graphql`, 'utf8');

const PREDICTIONS = 40;
const RECORDS = ['prediction_log', 'prediction_outcome'];

/** Bytes of the rows that the coordinator itself has. */
const onCoordinator = async (database: Database): Promise<number> => {
  const [row] = await database.query<{ bytes: bigint }>({
    text: `SELECT sum(pg_relation_size(oid)) AS bytes FROM pg_class
      WHERE relkind = 'r' AND (relname = 'prediction_outcome' OR relname LIKE 'prediction\\_log\\_p%')`,
  });
  return Number(row?.bytes);
};

/** Rows of a distributed table, by the node that has them. */
const byNode = async (database: Database, table: string): Promise<readonly number[]> => {
  const rows = await database.query<{ rows: bigint }>({
    text: `SELECT sum(result::bigint)::bigint AS rows
      FROM run_command_on_placements('${table}', 'SELECT count(*) FROM %s') GROUP BY nodename, nodeport`,
  });
  return rows.map((row) => Number(row.rows));
};

/** What the first predictions are traced to, as it was known at one moment. */
const traces = (
  database: Database,
  records: readonly Record<string, unknown>[],
  endpoint: Route,
  knownAt: string,
): Promise<readonly unknown[]> =>
  withServerOn(database, { signer }, async ({ ask }) => {
    const answers: unknown[] = [];
    for (const { requestId } of records.slice(0, 5)) {
      answers.push(await ask(TRACE, { prediction: { request: { endpoint, requestId } }, knownAt }));
    }
    return answers;
  });

const found = async (database: Database): Promise<Partial<VerificationReport>> => {
  const { predictions, outcomes, discrepancies } = await verifyLedger(database, {
    keys: [signer.verifierKey],
    witnesses: [],
    artifacts: folderStore('/nonexistent'),
    archive: folderArchive('/nonexistent'),
  });
  return { predictions, outcomes, discrepancies };
};

/** Names of the distributed tables, without weeks, and whether rows of one request are on one node. */
const distributed = (database: Database): Promise<{ name: string; together: boolean }[]> =>
  database.query({
    text: `SELECT c.relname::text AS name, min(p.colocationid) OVER () = max(p.colocationid) OVER () AS together
      FROM pg_dist_partition p JOIN pg_class c ON c.oid = p.logicalrelid WHERE NOT c.relispartition ORDER BY 1`,
  });

it('does nothing to a database without Citus, nor to one that is spread already', async () => {
  const database = await openTestDatabase();
  const files = () =>
    database.query({
      text: `SELECT relname::text AS name, relfilenode::bigint AS file FROM pg_class
        WHERE relnamespace = 'public'::regnamespace ORDER BY 1`,
    });
  const before = await files();
  await database.query({ text: 'SELECT distribute_records()' });
  expect(await files()).toEqual(before);
  await database.close();
});

describe.runIf(cluster !== null)(
  'a database on one machine that becomes a cluster (needs a coordinator of Citus as TEST_DATABASE_URL)',
  { timeout: 120_000 },
  () => {
    const { url, nodes } = cluster ?? { url: '', nodes: [] };
    const name = unique('hindcast_test').replaceAll('-', '_');
    let database: Database;
    let records: readonly Record<string, unknown>[] = [];
    let endpoint: Route;
    let before: { readonly knownAt: string; readonly traces: readonly unknown[] };

    beforeAll(async () => {
      database = openPostgresql(await copyDatabase(url, name, 'template0', nodes), 4);
      await migrate(database);
      await withServerOn(database, { signer }, async (server) => {
        const { version, endpoint: route } = await served(server, [field('distance')]);
        endpoint = route;
        records = Array.from({ length: PREDICTIONS }, (_, index) =>
          line(version, endpoint, { distance: index }, { entityKey: `entity ${index}` }),
        );
        await append(server, records);
      });
      await appendOutcomes(
        database,
        rawLines(
          records.map(({ requestId }) =>
            JSON.stringify({ requestId, endpoint, observedAt: '2026-02-02T00:00:00Z', value: 1 }),
          ),
        ),
      );
      await sealLedger(database, signer);
      const knownAt = new Date().toISOString();
      before = { knownAt, traces: await traces(database, records, endpoint, knownAt) };
      await database.close();
      await joinNodes(url, name, nodes);
      database = openPostgresql(databaseAt(url, name), 4);
      await database.query({ text: 'SELECT distribute_records()' });
    }, 120_000);
    afterAll(async () => {
      await database?.close();
      await dropDatabase(url, name, nodes);
    });

    it('has its records on the workers, those of a request together, and all else where it was', async () => {
      expect(await distributed(database)).toEqual(
        RECORDS.map((table) => ({ name: table, together: true })),
      );
      for (const table of RECORDS) {
        const rows = await byNode(database, table);
        expect(rows).toHaveLength(nodes.length - 1);
        expect(rows.reduce((sum, count) => sum + count)).toBe(PREDICTIONS);
        expect(rows).not.toContain(0);
      }
    });

    it('answers and verifies as before', async () => {
      expect(await traces(database, records, endpoint, before.knownAt)).toEqual(before.traces);
      expect(await found(database)).toEqual({
        predictions: PREDICTIONS,
        outcomes: PREDICTIONS,
        discrepancies: [],
      });
    });

    it('gives up the rows that the coordinator kept, and loses none', async () => {
      expect(await onCoordinator(database)).toBeGreaterThan(0);
      for (const table of RECORDS) {
        const text = `SELECT truncate_local_data_after_distributing_table('${table}')`;
        await database.query({ text });
      }
      expect(await onCoordinator(database)).toBe(0);
      expect(await found(database)).toMatchObject({ predictions: PREDICTIONS, discrepancies: [] });
    });

    it('takes repeated records as repeated, new ones in new weeks, and erasures', async () => {
      const [first, ...rest] = records;
      const later = { ...first, requestId: unique('later'), occurredAt: '2026-03-01T00:00:00Z' };
      const answer = await withServerOn(database, { signer }, (server) =>
        append(server, [...records, later]),
      );
      expect(answer.at(-1)).toMatchObject({
        summary: { received: PREDICTIONS + 1, stored: 1, duplicates: PREDICTIONS },
      });
      const artifacts = folderStore('/nonexistent');
      const context = {
        database,
        actor: localActor('tester'),
        artifacts,
        inferenceUrl: null,
        signer,
      };
      const order = { entityKey: String(rest[0]?.entityKey), legalBasis: 'GDPR', reason: 'asked' };
      await eraseEntity(context, order);
      await sealLedger(database, signer);
      expect(await onCoordinator(database)).toBe(0);
      expect(await found(database)).toEqual({
        predictions: PREDICTIONS + 1,
        // What was observed of the erased entity went with its features.
        outcomes: PREDICTIONS - 1,
        discrepancies: [],
      });
    });
  },
);
