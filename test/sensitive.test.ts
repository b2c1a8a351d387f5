import { afterAll, describe, expect, it } from 'vitest';
import type { Scope } from '../src/platform/context.ts';
import { appendPredictions } from '../src/prediction/append.ts';
import { field } from './feature-fixture.ts';
import { askEveryWay, askWith, makeKey, startClosed } from './setup/closed.ts';
import { openTestDatabase } from './setup/database.ts';
import { openServing, rawLines } from './setup/ingest.ts';
import { ROUNDS } from './setup/lanes.ts';
import { leaks, SECRETS, waysTo } from './setup/sensitive-ways.ts';

const database = await openTestDatabase();
const READER: readonly Scope[] = ['predictions:read', 'registry:read'];
const reader = (await makeKey(database, READER, { name: 'reader' })).text;
const investigator = (
  await makeKey(database, [...READER, 'features:sensitive'], { name: 'investigator' })
).text;
const admin = (await makeKey(database, ['admin'], { name: 'admin' })).text;
const server = await startClosed(database);
const strict = await startClosed(database, { needReason: true });
afterAll(async () => {
  await server.close();
  await strict.close();
  await database.close();
});

const { endpoint, line, version } = await openServing(
  { database },
  [field('distance', 'FP64'), { ...field('email', 'STRING'), isSensitive: true }],
  { distance: 1, email: SECRETS[0], extra: SECRETS[3] },
);
const other = { entityKey: SECRETS[1], output: { text: SECRETS[2] }, label: 'LATE', score: 0.5 };
const keep = { undeclaredFeatures: 'keep' } as const;
await appendPredictions(database, rawLines([line('case', other)]), keep);
await appendPredictions(database, rawLines([line('case', { ...other, score: 0.6 })]), keep);
await appendPredictions(
  database,
  rawLines([line('case', { features: { distance: SECRETS[4], email: SECRETS[0] }, item: 1 })]),
);
await appendPredictions(database, rawLines([line('near', { ...other, label: 'ON_TIME' })]), keep);

const { prediction, redacted, refused } = waysTo({ endpoint, version }, 'case', {
  from: '2026-04-03T00:00:00Z',
  to: '2026-04-04T00:00:00Z',
});

/** There are neither statistics nor an artifact here, so that these tell nobody anything. */
const ALIKE: readonly string[] = ['unusual features', 'replay'];

const codesOf = async (credential: string, query: string, on = server) => {
  const { data, errors = [], status } = await askEveryWay(on, credential, query);
  const codes = errors.map(({ extensions }) => (extensions as { code?: string }).code);
  return { data, codes, status, messages: errors.map(({ message }) => message) };
};

describe('without features:sensitive', () => {
  it.each(Object.keys(redacted))('hides %s', async (name) => {
    const { data, messages } = await codesOf(reader, redacted[name] ?? '');
    expect(messages).toEqual([]);
    expect(leaks(data)).toEqual([]);
    // It is what is hidden that is looked for here.
    if (ALIKE.includes(name)) return;
    const seen = await codesOf(investigator, redacted[name] ?? '');
    expect(seen.messages).toEqual([]);
    expect(JSON.stringify(seen.data)).not.toBe(JSON.stringify(data));
    // What was compiled, and what is kept of it, is shared by all callers.
    expect((await codesOf(reader, redacted[name] ?? '')).data).toEqual(data);
  });

  it.each(Object.keys(refused))('refuses %s', async (name) => {
    const { data, messages } = await codesOf(reader, refused[name] ?? '');
    expect(messages.join()).toMatch(/features:sensitive/);
    expect(leaks([data, messages])).toEqual([]);
  });

  it('says in a trace what is hidden', async () => {
    const { data } = await codesOf(reader, redacted['a trace'] ?? '');
    const { gaps } = (data as { trace: { gaps: readonly { subject: string; reason: string }[] } })
      .trace;
    expect(
      gaps.filter(({ reason }) => reason === 'REDACTED').map(({ subject }) => subject),
    ).toEqual(['features', 'entityKey', 'output', 'conflicts']);
  });

  it('writes nothing down', async () => {
    const count = async () =>
      (
        await database.query<{ n: number }>({
          text: 'SELECT count(*)::int AS n FROM sensitive_read',
        })
      )[0]?.n;
    const before = await count();
    for (const query of Object.values(redacted)) await codesOf(reader, query);
    expect(await count()).toBe(before);
  });
});

describe('a sensitive read', () => {
  it('is on record before its answer is there: who, what, when, why', async () => {
    for (const [round, path] of ROUNDS.entries()) {
      const id = `read-${round}`;
      const { data, headers } = await askWith(
        server,
        investigator,
        prediction('entityKey features { text } conflicts { record }'),
        { path, headers: { 'x-reason': 'case%2017 ä', 'x-request-id': id } },
      );
      expect(leaks(data)).toHaveLength(4);
      expect(headers.get('x-request-id')).toBe(id);
      const log = await askWith(
        server,
        admin,
        'query($s: String) { sensitiveReads(first: 1, filter: { actor: "investigator", subject: $s }) { nodes { actor operation kinds subjects reason requestId } } }',
        { variables: { s: 'case' } },
      );
      expect(log.data).toEqual({
        sensitiveReads: {
          nodes: [
            {
              actor: 'investigator',
              operation: 'Look',
              kinds: ['ENTITY_KEY', 'FEATURES', 'RECORD'],
              subjects: ['case', expect.stringMatching(/^sha256:/)],
              reason: 'case 17 ä',
              requestId: id,
            },
          ],
        },
      });
      expect(leaks(log.data)).toEqual([]);
    }
  });

  // Digests are none by themselves, and nothing is run again without an artifact.
  it.each(
    Object.keys({ ...redacted, ...refused }).filter(
      (name) => name !== 'digests' && name !== 'replay',
    ),
  )('is not possible without a reason where one is needed: %s', async (name) => {
    const query = { ...redacted, ...refused }[name] ?? '';
    const { data, codes } = await codesOf(investigator, query, strict);
    expect(codes[0]).toBe('REASON_REQUIRED');
    expect(leaks(data ?? null)).toEqual([]);
  });

  it.each(['the entity key', 'features', 'a trace', 'the events of a request'])(
    'is shown with a reason where one is needed: %s',
    async (name) => {
      const headers = { 'x-reason': 'case 18' };
      const query = redacted[name] ?? '';
      const { data, errors } = await askEveryWay(strict, investigator, query, { headers });
      expect(errors).toBeUndefined();
      expect(leaks(data)).not.toEqual([]);
    },
  );

  it('is not shown when it cannot be recorded', async () => {
    await database.query({ text: 'ALTER TABLE sensitive_read RENAME TO gone' });
    try {
      for (const path of ROUNDS) {
        const answer = await askWith(server, investigator, prediction('entityKey'), { path });
        expect(leaks(answer)).toEqual([]);
        expect(answer.errors?.[0]?.message).toBe(
          'What was read could not be recorded, so it is not shown. Try again.',
        );
      }
    } finally {
      await database.query({ text: 'ALTER TABLE gone RENAME TO sensitive_read' });
    }
  });

  it('is recorded in few statements when many look at once', async () => {
    const queries: string[] = [];
    const stop = database.observe((sql) => queries.push(sql));
    await Promise.all(
      Array.from({ length: 20 }, () => askWith(server, investigator, prediction('entityKey'))),
    );
    stop();
    const inserts = queries.filter((sql) => sql.startsWith('INSERT INTO sensitive_read'));
    expect(inserts.length).toBeLessThanOrEqual(20);
    const rows = await database.query<{ n: number }>({
      text: `SELECT count(*)::int AS n FROM sensitive_read r JOIN ledger_batch b
        ON b.source = 'sensitive_read' AND b.row_key = json_build_array(r.id::text)::text`,
    });
    expect(rows[0]?.n).toBeGreaterThanOrEqual(20);
  });
});
