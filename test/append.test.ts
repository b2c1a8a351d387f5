import { it } from 'vitest';
import { appendPredictions } from '../src/prediction/append.ts';
import { field } from './feature-fixture.ts';
import { statementsDuring, useTestDatabase } from './setup/database.ts';
import { insertEndpoint, insertSchema, insertVersion } from './setup/versions.ts';

const database = await useTestDatabase();
it('smoke', async () => {
  const schema = await insertSchema(database, [field('distance', 'FP64')]);
  const v = await insertVersion(database, schema);
  const e = await insertEndpoint(database);
  const line = (o: object) =>
    JSON.stringify({
      requestId: 'r1',
      occurredAt: '2026-04-03T14:03:27.123456Z',
      endpoint: { name: e.name, environment: 'production' },
      modelVersion: v.digest,
      features: { distance: 1.5 },
      ...o,
    });
  const raw = (texts: string[]) => texts.map((t, i) => ({ line: i + 1, bytes: Buffer.from(t) }));
  console.log(
    await appendPredictions(
      database,
      raw([
        line({}),
        line({}),
        line({ score: 1 }),
        line({ requestId: 'r2' }),
        '{bad',
        line({ modelVersion: { model: 'x', semver: '1.0.0' } }),
      ]),
    ),
  );
  console.log(await appendPredictions(database, raw([line({}), line({ score: 1 }), '{bad'])));
  console.log(
    await statementsDuring(database, () =>
      appendPredictions(database, raw([line({ requestId: 'q1' })])),
    ),
  );
  console.log(
    await database.query({
      text: 'select request_id, occurred_at, numbers, recorded_at from prediction_log',
    }),
  );
  console.log(await database.query({ text: 'select * from prediction_rollup' }));
  console.log(await database.query({ text: 'select * from prediction_conflict' }));
  console.log(await database.query({ text: 'select * from rejected_record' }));
});
