import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appendPredictions } from '../src/prediction/append.ts';
import { ensurePartitions, weekOf, weekOfPartition } from '../src/prediction/partitions.ts';
import { field } from './feature-fixture.ts';
import { statementsDuring, useTestDatabase } from './setup/database.ts';
import { openServing, rawLines } from './setup/ingest.ts';

const micros = (text: string): number => Date.parse(text) * 1000;

describe('a week of the log', () => {
  it.each(['prediction_log', 'prediction_log_p20261399', 'prediction_log_p20260331', 'model', ''])(
    'is not named by %j',
    (name) => {
      expect(weekOfPartition(name)).toBeNull();
    },
  );

  it.each([
    ['2026-04-03T14:03:27Z', 'prediction_log_p20260330'],
    ['2026-03-30T00:00:00Z', 'prediction_log_p20260330'],
    ['2026-03-29T23:59:59.999Z', 'prediction_log_p20260323'],
    ['1970-01-01T00:00:00Z', 'prediction_log_p19691229'],
    ['2001-01-01T00:00:00Z', 'prediction_log_p20010101'],
  ])('that holds %s is %s', (text, partition) => {
    expect(weekOf(micros(text)).partition).toBe(partition);
  });

  it('goes from Monday to Monday and holds its instant', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: micros('2254-01-01T00:00:00Z') }), (instant) => {
        const { from, to } = weekOf(instant);
        expect(from <= instant && instant < to).toBe(true);
        expect(to - from).toBe(7 * 86_400_000_000);
        expect(new Date(from / 1000).getUTCDay()).toBe(1);
        expect(weekOf(to).from).toBe(to);
      }),
    );
  });
});

describe('partitions', async () => {
  const database = await useTestDatabase();
  const partitions = async (): Promise<readonly string[]> => {
    const rows = await database.query<{ name: string }>({
      text: `SELECT inhrelid::regclass::text AS name FROM pg_inherits
        WHERE inhparent = 'prediction_log'::regclass ORDER BY 1`,
    });
    return rows.map(({ name }) => name);
  };

  it('are made for the weeks that a batch touches, and remembered', async () => {
    const { line } = await openServing({ database }, [field('x', 'FP64')], { x: 1 });
    const times = ['1970-01-01T00:00:00Z', '2019-12-30T00:00:00Z', '2020-01-05T23:59:59.999999Z'];
    const texts = times.map((occurredAt, n) => line(`r${n}`, { occurredAt }));
    await appendPredictions(database, rawLines(texts));
    expect(await partitions()).toEqual(['prediction_log_p19691229', 'prediction_log_p20191230']);
    const again = await statementsDuring(database, () =>
      ensurePartitions(database, times.map(micros)),
    );
    expect(again).toEqual([]);
    const rows = await database.query({
      text: `SELECT left(tableoid::regclass::text, 24) AS partition FROM prediction_log ORDER BY occurred_at`,
    });
    expect(rows).toEqual([
      { partition: 'prediction_log_p19691229' },
      { partition: 'prediction_log_p20191230' },
      { partition: 'prediction_log_p20191230' },
    ]);
  });

  it('are made once when several ask at the same time', async () => {
    const instants = Array.from(
      { length: 5 },
      (_, n) => micros('1999-03-01T00:00:00Z') + n * 7 * 86_400e6,
    );
    const before = (await partitions()).length;
    // Copies share connections but remember nothing of each other, like processes.
    await Promise.all(Array.from({ length: 4 }, () => ensurePartitions({ ...database }, instants)));
    expect(await partitions()).toHaveLength(before + 5);
  });

  it.runIf(database.engine === 'postgresql')(
    'are made while others read and write the log, and keep nobody waiting (needs a server)',
    async () => {
      const { line } = await openServing({ database }, [field('x', 'FP64')], { x: 1 });
      const append = (id: string, occurredAt: string) =>
        appendPredictions(database, rawLines([line(id, { occurredAt })]));
      await append('before', '1998-01-06T00:00:00Z');
      await database.transaction(async (reader) => {
        await reader.query({ text: 'SELECT count(*) FROM prediction_log' });
        await database.transaction(async (writer) => {
          await writer.query({ text: 'LOCK TABLE prediction_log IN ROW EXCLUSIVE MODE' });
          expect(await append('new week', '1998-01-13T00:00:00Z')).toMatchObject({ stored: 1 });
        });
      });
      expect(await partitions()).toContain('prediction_log_p19980112');
    },
  );
});
