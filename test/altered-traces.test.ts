import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { digestOfFile } from '../src/platform/archive-store.ts';
import { storeKey } from '../src/platform/artifact-store.ts';
import { localActor } from '../src/platform/context.ts';
import { selectArchiveFiles } from '../src/prediction/archive-index.ts';
import { withDuckdb } from '../src/prediction/duckdb.ts';
import { weekOf } from '../src/prediction/partitions.ts';
import { archivePartition } from '../src/retention/archive-partition.ts';
import { startServer } from '../src/server/http-server.ts';
import { createLog } from '../src/server/log.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { openTestHindcast } from './setup/hindcast.ts';
import {
  append,
  field,
  line,
  moveTo,
  type RegisteredVersion,
  type Route,
  served,
} from './setup/registration.ts';

const actor = localActor('tester');
const hindcast = await openTestHindcast(actor, logRoutes);
const { database, artifacts, archive } = hindcast;

// A server to which the same database is another one: nothing of it is in its memory.
const cold = await startServer({
  database: { ...database },
  actor,
  artifacts,
  archive,
  log: createLog('silent'),
  sealSeconds: 86_400,
  pollSeconds: 86_400,
  host: '127.0.0.1',
  port: 0,
});
afterAll(() => cold.close());

const TRACE = `query ($by: PredictionLogReference!) { trace(prediction: $by) {
  verdict findings { code severity message subject { __typename } } } }`;

interface Trace {
  readonly verdict: string;
  readonly findings: readonly object[];
}

interface Answer {
  readonly data?: { readonly trace: Trace | null } | null;
  readonly errors?: readonly { readonly message: string; readonly extensions: object }[];
}

const respond = async (url: string, endpoint: Route, requestId: unknown): Promise<Answer> => {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query: TRACE, variables: { by: { request: { endpoint, requestId } } } }),
  });
  return (await response.json()) as Answer;
};

/** Runs statements that no trigger stops. */
const behindItsBack = (...statements: readonly string[]): Promise<void> =>
  database.transaction(async (session) => {
    await session.query({ text: 'SET LOCAL session_replication_role = replica' });
    for (const text of statements) await session.query({ text });
  });

interface Case {
  readonly version: RegisteredVersion;
  readonly endpoint: Route;
  readonly requestId: unknown;
}

/** A version in production with one prediction on record. */
const someCase = async (occurredAt = '2026-02-01T12:00:00Z'): Promise<Case> => {
  const { version, endpoint } = await served(hindcast, [field('a')]);
  const record = line(version, endpoint, { a: 1 }, { occurredAt });
  await append(hindcast, [record]);
  return { version, endpoint, requestId: record.requestId };
};

const versionId = ({ version }: Case): string =>
  `(SELECT id FROM model_version WHERE digest = '${version.digest}')`;
const deploymentId = (one: Case): string =>
  `(SELECT id FROM deployment WHERE model_version_id = ${versionId(one)})`;

const chain = (what: string, facts: string, type: string) => ({
  code: 'DIGEST_MISMATCH',
  severity: 'ERROR',
  message: expect.stringMatching(
    new RegExp(
      `^The history of ${what} was altered after it was recorded: fact ${facts} not fit the chain of digests\\.$`,
    ),
  ),
  subject: { __typename: type },
});

describe('a trace', () => {
  it.each<[string, (one: Case) => string, object]>([
    [
      'stage was altered',
      (one) =>
        `UPDATE lifecycle_transition SET reason = 'Another.' WHERE sequence = 2 AND model_version_id = ${versionId(one)}`,
      chain('the stages of .*', '2 does', 'ModelVersion'),
    ],
    [
      'stage was taken out',
      (one) =>
        `DELETE FROM lifecycle_transition WHERE sequence = 2 AND model_version_id = ${versionId(one)}`,
      chain('the stages of .*', '3 does', 'ModelVersion'),
    ],
    [
      'deployment was altered',
      (one) =>
        `UPDATE deployment_fact SET actor = 'nobody' WHERE deployment_id = ${deploymentId(one)}`,
      chain('deployment .*', '1 does', 'Deployment'),
    ],
    [
      'manifest was altered',
      (one) =>
        `UPDATE model_version SET manifest = manifest || ' ' WHERE digest = '${one.version.digest}'`,
      {
        code: 'DIGEST_MISMATCH',
        severity: 'ERROR',
        message: expect.stringContaining('The manifest of '),
        subject: { __typename: 'ModelVersion' },
      },
    ],
  ])('is inconsistent when a %s', async (_, statement, finding) => {
    const one = await someCase();
    await behindItsBack(statement(one));
    const { data } = await respond(cold.url, one.endpoint, one.requestId);
    expect(data?.trace).toEqual({ verdict: 'INCONSISTENT', findings: [finding] });
  });

  it('of a warm server misses what it has in memory until a fact is added; a new one does not', async () => {
    const one = await someCase();
    const consistent = { verdict: 'VERIFIED', findings: [] };
    const traced = async (url: string) => (await respond(url, one.endpoint, one.requestId)).data;
    expect(await traced(hindcast.url)).toEqual({ trace: consistent });
    await behindItsBack(
      `UPDATE lifecycle_transition SET reason = 'Another.' WHERE sequence = 2 AND model_version_id = ${versionId(one)}`,
    );
    expect(await traced(hindcast.url)).toEqual({ trace: consistent });
    const altered = {
      trace: {
        verdict: 'INCONSISTENT',
        findings: [chain('the stages of .*', '2 does', 'ModelVersion')],
      },
    };
    expect(await traced(cold.url)).toEqual(altered);
    await moveTo(hindcast, one.version, 'ARCHIVED', '2026-03-01T00:00:00Z');
    expect(await traced(hindcast.url)).toEqual(altered);
  });

  it('says of an archived prediction that its file was altered, or that its row was', async () => {
    const occurredAt = '2013-02-05T12:00:00Z';
    const one = await someCase(occurredAt);
    const order = { actor: 'tester', reason: 'tested' };
    const week = weekOf(Date.parse(occurredAt) * 1000);
    await archivePartition(database, archive, week, order);
    const [file] = await selectArchiveFiles(database, 'a.partition = $1', [week.partition]);
    const path = join(archive.location, storeKey(file?.digest ?? ''));
    const bytes = await readFile(path);
    const forged = `${archive.location}.forged`;
    await withDuckdb((connection) =>
      connection.run(`COPY (SELECT * REPLACE (0.125 AS score) FROM read_parquet('${path}'))
        TO '${forged}' (FORMAT parquet)`),
    );
    await copyFile(forged, path);
    const { errors } = await respond(hindcast.url, one.endpoint, one.requestId);
    await writeFile(path, bytes);
    expect(errors).toEqual([
      expect.objectContaining({
        message: expect.stringContaining(`${file?.digest}`),
        extensions: expect.objectContaining({ code: 'EVIDENCE_EXPIRED' }),
      }),
    ]);
    const { digest } = await digestOfFile(forged);
    const place = join(archive.location, storeKey(digest));
    await mkdir(dirname(place), { recursive: true });
    await copyFile(forged, place);
    await rm(forged);
    await behindItsBack(
      `UPDATE log_archive_file SET digest = '${digest}' WHERE digest = '${file?.digest}'`,
    );
    const { data } = await respond(hindcast.url, one.endpoint, one.requestId);
    expect(data?.trace?.findings).toContainEqual({
      code: 'DIGEST_MISMATCH',
      severity: 'ERROR',
      message: expect.stringMatching(/^The stored prediction was altered after it was recorded: /),
      subject: { __typename: 'PredictionLog' },
    });
  });
});

describe('what a version is made of', () => {
  it('is not recomputed by traces; its integrity says when a row was altered', async () => {
    const one = await someCase();
    await behindItsBack(
      `UPDATE code_commit SET repository = repository || '-' WHERE id =
        (SELECT code_commit_id FROM model_version WHERE digest = '${one.version.digest}')`,
    );
    const { data } = await respond(cold.url, one.endpoint, one.requestId);
    expect(data?.trace).toEqual({ verdict: 'VERIFIED', findings: [] });
    const { modelVersion } = await hindcast.ask<{ modelVersion: object }>(
      `query ($digest: Digest!) { modelVersion(by: { digest: $digest }) { commit { digest }
        integrity { isIntact brokenReferences } } }`,
      { digest: one.version.digest },
    );
    const { digest } = (modelVersion as { commit: { digest: string } }).commit;
    expect(modelVersion).toMatchObject({
      integrity: { isIntact: false, brokenReferences: [digest] },
    });
  });
});
