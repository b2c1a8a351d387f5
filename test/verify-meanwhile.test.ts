import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { eraseEntity } from '../src/ledger/erase-entity.ts';
import { sealLedger } from '../src/ledger/seal.ts';
import { type VerificationReport, verifyLedger } from '../src/ledger/verify.ts';
import { localActor } from '../src/platform/context.ts';
import type { Database } from '../src/platform/database.ts';
import { openPostgresql } from '../src/platform/postgresql.ts';
import { appendPredictions } from '../src/prediction/append.ts';
import { type LogWeek, weekOf } from '../src/prediction/partitions.ts';
import { archivePartition } from '../src/retention/archive-partition.ts';
import { restorePartition } from '../src/retention/restore-partition.ts';
import { field } from './feature-fixture.ts';
import { urlOf } from './setup/database.ts';
import { openTestHindcast, unique } from './setup/hindcast.ts';
import { openServing, rawLines } from './setup/ingest.ts';
import { someSigner } from './setup/signer.ts';

const signer = someSigner();
const actor = localActor('tester');
const hindcast = await openTestHindcast(actor, [], null, signer);
const { database, archive, artifacts } = hindcast;
const serving = await openServing(hindcast, [field('x', 'FP64')], { x: 1 });
const order = { actor: 'tester', reason: 'tested' };

/** The embedded database has one connection: what is done at once waits its turn there. */
const isShared = 'url' in inject('template');
const another: Database = isShared ? openPostgresql(urlOf(database), 4) : database;
afterAll(async () => {
  if (isShared) await another.close();
});

const verify = (on: Database = database): Promise<VerificationReport> =>
  verifyLedger(on, { keys: [signer.verifierKey], witnesses: [], artifacts, archive });

let weeks = 0;
/** Fills a week of its own with some predictions of an entity. */
const fill = async (entityKey: string): Promise<LogWeek> => {
  weeks += 1;
  const at = Date.parse('2012-01-04T10:00:00Z') + weeks * 7 * 86_400e3;
  const occurredAt = new Date(at).toISOString();
  const lines = Array.from({ length: 20 }, () =>
    serving.line(unique('r'), { occurredAt, entityKey }),
  );
  await appendPredictions(another, rawLines(lines));
  return weekOf(at * 1000);
};

/** The database as one sees it to whom something happens right after the snapshot is taken. */
const interruptedBy = (work: () => Promise<unknown>): Database => ({
  ...database,
  transaction: (inside) =>
    database.transaction((session) =>
      inside({
        ...session,
        query: async (statement) => {
          const rows = await session.query<never>(statement);
          if (statement.text.includes('set_config')) await work();
          return rows;
        },
      }),
    ),
});

describe('verification', () => {
  it('takes its turn with appends and seals, and finds nothing wrong', async () => {
    const lines = Array.from({ length: 50 }, () => serving.line(unique('r')));
    const [before, stored, , after] = await Promise.all([
      verify(),
      appendPredictions(another, rawLines(lines)),
      sealLedger(another, signer),
      verify(),
    ]);
    expect([...before.discrepancies, ...after.discrepancies]).toEqual([]);
    expect(stored).toMatchObject({ stored: 50 });
    await sealLedger(another, signer);
    expect(await verify()).toMatchObject({ predictions: 50, pending: 0, discrepancyCount: 0 });
  });

  it.runIf(isShared)('goes on while others append and seal, and finds nothing wrong', async () => {
    const stopped = new AbortController();
    const append = async (): Promise<void> => {
      while (!stopped.signal.aborted) {
        const lines = Array.from({ length: 50 }, () => serving.line(unique('r')));
        await appendPredictions(another, rawLines(lines));
        await delay(1);
      }
    };
    const seal = async (): Promise<void> => {
      while (!stopped.signal.aborted) {
        await sealLedger(another, signer);
        await delay(1);
      }
    };
    const busy = [append(), append(), seal()];
    const reports: VerificationReport[] = [];
    const grew = (): number => (reports.at(-1)?.predictions ?? 0) - (reports[0]?.predictions ?? 0);
    while (reports.length < 5 || grew() === 0) reports.push(await verify());
    stopped.abort();
    await Promise.all(busy);
    expect(reports.flatMap(({ discrepancies }) => discrepancies)).toEqual([]);
  });

  it.runIf(isShared)('does not see what is recorded after it began, on whatever node', async () => {
    const before = await verify();
    const lines = Array.from({ length: 50 }, () => serving.line(unique('r')));
    const report = await verify(interruptedBy(() => appendPredictions(another, rawLines(lines))));
    expect(report).toEqual(before);
    expect(await verify()).toMatchObject({
      predictions: before.predictions + 50,
      discrepancies: [],
    });
  });

  it.runIf(isShared)('goes on when somebody takes long to record something', async () => {
    const verifying = await another.transaction(async (session) => {
      await session.query({ text: `INSERT INTO model (name) VALUES ('${unique('slow')}')` });
      const report = verify();
      // Longer than verification waits for its moment on a cluster.
      await delay(600);
      return { report };
    });
    expect((await verifying.report).discrepancies).toEqual([]);
  });

  it.runIf(isShared)(
    'goes on while a week is archived and dropped, which waits for it',
    async () => {
      const week = await fill('somebody');
      await sealLedger(another, signer);
      let archiving: ReturnType<typeof archivePartition> | null = null;
      const report = await verify(
        interruptedBy(async () => {
          archiving = archivePartition(another, archive, week, order);
          // Time enough to drop it, were it not held.
          await delay(500);
        }),
      );
      expect(report.discrepancies).toEqual([]);
      expect(await archiving).toMatchObject({ status: 'ARCHIVED', rows: 20 });
      expect((await verify()).discrepancies).toEqual([]);
    },
  );

  it.runIf(isShared)('does not miss the file of a week that is restored meanwhile', async () => {
    const week = await fill('somebody');
    await archivePartition(another, archive, week, order);
    await sealLedger(another, signer);
    const report = await verify(
      interruptedBy(() => restorePartition(another, archive, week, order)),
    );
    expect(report.discrepancies).toEqual([]);
    expect((await verify()).discrepancies).toEqual([]);
  });

  it.runIf(isShared)('does not miss a file that is written anew by an erasure', async () => {
    const key = unique('entity');
    const week = await fill(key);
    await archivePartition(another, archive, week, order);
    await sealLedger(another, signer);
    const context = { database: another, actor, artifacts, archive, inferenceUrl: null, signer };
    const report = await verify(
      interruptedBy(() =>
        eraseEntity(context, { entityKey: key, legalBasis: 'asked', reason: 'asked' }),
      ),
    );
    expect(report.discrepancies).toEqual([]);
    expect((await verify()).discrepancies).toEqual([]);
  });
});
