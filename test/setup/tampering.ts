import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { revokeApiKey } from '../../src/access/api-key.ts';
import { recordSensitiveRead } from '../../src/access/sensitive-read.ts';
import { connect } from '../../src/cli/connection.ts';
import { EXAMPLE } from '../../src/cli/demo.ts';
import { playHistory, registerVersions, storeModels } from '../../src/cli/demo-history.ts';
import { eraseEntity } from '../../src/ledger/erase-entity.ts';
import { sealLedger } from '../../src/ledger/seal.ts';
import { type VerificationReport, verifyLedger } from '../../src/ledger/verify.ts';
import { type Context, localActor } from '../../src/platform/context.ts';
import type { Database, Session } from '../../src/platform/database.ts';
import { appendPredictions } from '../../src/prediction/append.ts';
import { weekOf } from '../../src/prediction/partitions.ts';
import { appendOutcomes } from '../../src/prediction/store-outcomes.ts';
import { archivePartition } from '../../src/retention/archive-partition.ts';
import { placeHold, releaseHold } from '../../src/retention/place-hold.ts';
import { restorePartition } from '../../src/retention/restore-partition.ts';
import { setRetentionPolicy } from '../../src/retention/retention-policy-type.ts';
import { logRoutes } from '../../src/server/log-routes.ts';
import { makeKey } from './closed.ts';
import { openTestHindcast, type TestHindcast, unique } from './hindcast.ts';
import { rawLines } from './ingest.ts';
import { someSigner } from './signer.ts';

const lines = async (file: string, count: number): Promise<readonly string[]> =>
  gunzipSync(await readFile(EXAMPLE + file))
    .toString()
    .split('\n')
    .slice(0, count);

/** A prediction of the example, with other members. */
export const exampleLine = async (more: object): Promise<string> => {
  const [line = ''] = (await lines('predictions.ndjson.gz', 3)).slice(2);
  return JSON.stringify({ ...(JSON.parse(line) as object), ...more });
};

/** A policy, holds, a week in the archive, and one that came back from it. */
const retain = async (context: Context, predictions: readonly string[]): Promise<void> => {
  const { database, archive } = context;
  if (archive === undefined) throw new Error('There is no archive.');
  await setRetentionPolicy(context, { keepDays: 90, reason: 'tested' });
  await placeHold(context, { entityKey: 'somebody', reason: 'case 1' });
  const number = await placeHold(context, { entityKey: 'another', reason: 'case 2' });
  await releaseHold(context, { number, reason: 'closed' });
  const other = { actor: 'tester', reason: 'tested' };
  for (const occurredAt of ['2001-06-05T12:00:00Z', '2001-06-12T12:00:00Z']) {
    const archived = predictions.slice(2, 5).map((line, index) =>
      JSON.stringify({
        ...(JSON.parse(line) as object),
        requestId: `z-${unique('late')}`,
        occurredAt,
        ...(index === 0 ? {} : { samplingRate: index / 3 }),
      }),
    );
    await appendPredictions(database, rawLines(archived));
    await archivePartition(database, archive, weekOf(Date.parse(occurredAt) * 1000), other);
  }
  await restorePartition(database, archive, weekOf(Date.parse('2001-06-12') * 1000), other);
};

/** The registry of the example and the beginning of its log, with a conflict, an erasure, and a row of every other kind. */
const load = async (context: Context, url: string): Promise<void> => {
  const { database, artifacts, signer } = context;
  if (signer === null) throw new Error('There is no key.');
  const connection = await connect({ url });
  await storeModels(artifacts, EXAMPLE);
  await registerVersions(connection, EXAMPLE);
  await playHistory(connection, EXAMPLE, () => undefined);
  const predictions = await lines('predictions.ndjson.gz', 60);
  await appendPredictions(database, rawLines(predictions));
  const sampled = { ...(JSON.parse(predictions[2] ?? '') as object), samplingRate: 0.3 };
  const ids = ['sampled-1', 'sampled-2', 'sampled-3'];
  const stated = ids.map((requestId) => JSON.stringify({ ...sampled, requestId }));
  await appendPredictions(database, rawLines(stated));
  await appendOutcomes(database, rawLines(await lines('outcomes.ndjson.gz', 60)));
  const record = JSON.parse(predictions[0] ?? '') as { entityKey: string; score: number };
  const other = JSON.parse(predictions[1] ?? '') as { entityKey: string };
  await appendPredictions(database, rawLines([JSON.stringify({ ...record, score: 0.5 })]));
  const order = { entityKey: other.entityKey, legalBasis: 'GDPR Art. 17(1)(a)', reason: 'asked' };
  await eraseEntity(context, order);
  await retain(context, predictions);
  await database.query({
    text: `INSERT INTO dataset_derivation (derived_id, source_id)
      SELECT max(id), min(id) FROM dataset_snapshot`,
  });
  await database.query({
    text: `INSERT INTO sampling_fact (endpoint_id, sequence, rule, key, rate, valid_from, reason, actor, recorded_at)
      SELECT min(id), 1, 'KEYED', 'ENTITY_KEY', 0.5, now(), 'cost', 'tester', now() FROM endpoint`,
  });
  const { id } = await makeKey(database, ['registry:read']);
  await revokeApiKey(database, id, { reason: 'left in a log', actor: 'tester' });
  await recordSensitiveRead(database, {
    actor: 'somebody',
    requestId: 'one',
    operation: null,
    kinds: ['OUTPUT'],
    subjects: ['one', 'two'],
    reason: null,
  });
  await sealLedger(database, signer);
};

/** What a session sees, as if it were all there is. */
const seenBy = (database: Database, session: Session): Database => ({
  ...database,
  copy: session.copy,
  // The transaction is there already, and has read.
  query: async (statement) =>
    statement.text.startsWith('SET TRANSACTION') ? [] : session.query(statement),
  transaction: (work) => work(seenBy(database, session)),
});

/** A Hindcast that can be tampered with as by the database's owner. */
export interface Tampering {
  readonly hindcast: TestHindcast;
  readonly context: Context & Required<Pick<Context, 'archive'>>;
  readonly verify: (on?: Database, witnesses?: readonly string[]) => Promise<VerificationReport>;
  /** Runs statements that neither trigger nor constraint stops, looks, and undoes them. */
  readonly tamper: <Result>(
    statements: readonly string[],
    look: (tampered: Database) => Promise<Result>,
  ) => Promise<Result>;
  /** What verification says of statements: kinds and sources. */
  readonly found: (
    ...statements: readonly string[]
  ) => Promise<readonly { readonly kind: string; readonly source: string }[]>;
}

export const openTampering = async (): Promise<Tampering> => {
  const signer = someSigner();
  const actor = localActor('tester');
  const hindcast = await openTestHindcast(actor, logRoutes, null, signer);
  const { database, artifacts, archive } = hindcast;
  const context = { database, actor, artifacts, archive, inferenceUrl: null, signer };
  await load(context, hindcast.url);
  const checks = await database.query<{ text: string }>({
    text: `SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS text
      FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace AND coninhcount = 0`,
  });
  const verify: Tampering['verify'] = (on = database, witnesses = []) =>
    verifyLedger(on, {
      keys: [signer.verifierKey],
      witnesses: witnesses.map((note) => ({ note, where: 'kept' })),
      artifacts,
      archive,
    });
  const tamper: Tampering['tamper'] = async (statements, look) => {
    const undo = new Error('undo');
    const seen: Awaited<ReturnType<typeof look>>[] = [];
    await database
      .transaction(async (session) => {
        await session.query({ text: 'SET LOCAL session_replication_role = replica' });
        for (const { text } of checks) await session.query({ text });
        for (const text of statements) await session.query({ text });
        seen.push(await look(seenBy(database, session)));
        throw undo;
      })
      .catch((error: unknown) => {
        if (error !== undo) throw error;
      });
    const [result] = seen;
    if (result === undefined) throw new Error('nothing was seen');
    return result;
  };
  return {
    hindcast,
    context,
    verify,
    tamper,
    found: async (...statements) => {
      const { discrepancies } = await tamper(statements, (tampered) => verify(tampered));
      return discrepancies.map(({ kind, source }) => ({ kind, source }));
    },
  };
};
