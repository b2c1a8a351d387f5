import { describe, expect, inject, it } from 'vitest';
import { folderStore } from '../src/platform/artifact-store.ts';
import { builder } from '../src/platform/builder.ts';
import { readConfig } from '../src/platform/config.ts';
import { ConfigError } from '../src/platform/config-error.ts';
import { localActor } from '../src/platform/context.ts';
import { isStatementTimeout } from '../src/platform/database.ts';
import { needs } from '../src/platform/needs.ts';
import { openPostgresql } from '../src/platform/postgresql.ts';
import { inSnapshot } from '../src/platform/snapshot.ts';

builder.queryFields((t) => ({
  probeSleep: t.string({
    extensions: needs(),
    nullable: true,
    args: { isByPrisma: t.arg.boolean({ required: true }) },
    resolve: async (_root, { isByPrisma }, { database }) => {
      if (isByPrisma) await database.prisma.$queryRaw`SELECT pg_sleep(30)::text`;
      else await database.query({ text: 'SELECT pg_sleep(30)' });
      return 'slept';
    },
  }),
}));

const { startServer } = await import('../src/server/http-server.ts');
const { createLog } = await import('../src/server/log.ts');
const { urlOf, useTestDatabase } = await import('./setup/database.ts');
const { LANES } = await import('./setup/lanes.ts');

const database = await useTestDatabase();
const isEmbedded = 'dump' in inject('template');

const message =
  'The database ended a statement that took longer than 1 s. Ask for less: a shorter window, fewer conditions, a smaller page.';

describe.runIf(!isEmbedded)('a statement that takes too long', () => {
  const limited = isEmbedded
    ? database
    : openPostgresql(urlOf(database), 2, { statementSeconds: 1 });
  const lines: Record<string, unknown>[] = [];

  it.each(LANES)('is refused with the limit, and logged, down %s', async (_, path) => {
    const server = await startServer({
      database: limited,
      actor: localActor('tester'),
      artifacts: folderStore('/nonexistent'),
      log: createLog('info', { write: (line: string) => lines.push(JSON.parse(line)) }),
      host: '127.0.0.1',
      port: 0,
    });
    for (const isByPrisma of [false, true]) {
      const requestId = `slow ${path} ${isByPrisma}`.replaceAll(' ', '-');
      const response = await fetch(server.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-request-id': requestId },
        body: JSON.stringify({
          query: 'query($p: Boolean!) { probeSleep(isByPrisma: $p) serverInfo { engine } }',
          variables: { p: isByPrisma },
        }),
      });
      expect([response.status, await response.json()]).toEqual([
        200,
        {
          data: { probeSleep: null, serverInfo: { engine: 'POSTGRESQL' } },
          errors: [
            {
              message,
              path: ['probeSleep'],
              locations: [{ line: 1, column: 23 }],
              extensions: { code: 'STATEMENT_TIMEOUT', limit: 1 },
            },
          ],
        },
      ]);
      expect(lines).toContainEqual(
        expect.objectContaining({ requestId, level: 40, msg: 'a statement took too long' }),
      );
    }
    await server.close();
  });

  it('is cut in a snapshot, which reads, and not in other transactions and sessions', async () => {
    const sleep = { text: 'SELECT pg_sleep(1.5)::text AS slept' };
    const slept = [{ slept: '' }];
    const cut = (work: Promise<unknown>) => work.then(() => false, isStatementTimeout);
    expect(await cut(limited.query(sleep))).toBe(true);
    expect(await cut(inSnapshot(limited, (session) => session.query(sleep)))).toBe(true);
    expect(await limited.transaction((session) => session.query(sleep))).toEqual(slept);
    expect(await limited.session((session) => session.query(sleep))).toEqual(slept);
    // What was lifted holds again on every connection.
    expect(await Promise.all([cut(limited.query(sleep)), cut(limited.query(sleep))])).toEqual([
      true,
      true,
    ]);
    await limited.close();
  });
});

describe.runIf(isEmbedded)('the embedded database', () => {
  it('has no limit, since nothing can end a statement that runs in this process', async () => {
    expect(database.statementSeconds).toBeUndefined();
    await database.query({ text: "SET statement_timeout = '1ms'" });
    expect(await database.query({ text: 'SELECT pg_sleep(0.01)::text AS slept' })).toEqual([
      { slept: '' },
    ]);
  });
});

describe('HINDCAST_STATEMENT_SECONDS', () => {
  const secondsOf = (text: string) =>
    readConfig({}, { HINDCAST_STATEMENT_SECONDS: text }).statementSeconds;

  it('is 60 when it is not set, and 0 for no limit', () => {
    expect(['', '0', '1', '86400'].map(secondsOf)).toEqual([60, null, 1, 86_400]);
    for (const text of ['-1', '1.5', 'long']) expect(() => secondsOf(text)).toThrow(ConfigError);
  });
});
