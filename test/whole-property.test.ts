import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sealLedger } from '../src/ledger/seal.ts';
import { verifyLedger } from '../src/ledger/verify.ts';
import { localActor } from '../src/platform/context.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { inputsOr, timeoutFor, tryAll } from './setup/fuzz.ts';
import { openTestHindcast } from './setup/hindcast.ts';
import {
  anyHour,
  anyMoment,
  appendPredictions,
  eraseEntity,
  type HistoryCommand,
  hour,
  moveVersion,
  observeOutcome,
  registerVersion,
  restateDeployment,
  startDeployment,
} from './setup/history-commands.ts';
import type { History } from './setup/history-model.ts';
import { askImpact, askSearch, askServed, traceAll, traceOne } from './setup/history-questions.ts';
import { historyServer } from './setup/history-server.ts';
import { someSigner } from './setup/signer.ts';

// Whatever happens, and in whatever order it becomes known, every answer is what a plain reading of the history says.

const signer = someSigner();
const hindcast = await openTestHindcast(localActor('tester'), logRoutes, null, signer);
const { database, artifacts, archive } = hindcast;

const orNull = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null });
const orLeft = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined, freq: 2 });
const anyIndex = fc.nat(1000);
const anyEndpoint = fc.nat(1);
const anyRole = fc.constantFrom('PRIMARY' as const, 'CANARY' as const, 'SHADOW' as const);
const anyShare = fc.constantFrom(0, 0.25, 0.5, 1);
const anyStage = fc.constantFrom(
  ...([
    'REGISTERED',
    'STAGING',
    'STAGING',
    'PRODUCTION',
    'PRODUCTION',
    'ARCHIVED',
    'REVOKED',
  ] as const),
);
const anyLabel = fc.constantFrom('YES', 'NO');
const anyWindow = fc.record({ from: orNull(anyMoment), to: orNull(anyMoment) });

const anyStart = fc.record({
  endpoint: anyEndpoint,
  version: anyIndex,
  role: anyRole,
  trafficShare: anyShare,
  startedAt: anyHour,
  replaces: fc.array(anyIndex, { maxLength: 2 }),
});

const anyRestatement = fc.record({
  isEnd: fc.boolean(),
  startedAt: orLeft(anyHour),
  endedAt: orLeft(orNull(anyHour)),
  trafficShare: orLeft(anyShare),
  isRetracted: orLeft(fc.boolean()),
});

const anySent = fc.record({
  request: fc.nat(4),
  item: fc.nat(1),
  occurredAt: anyMoment,
  endpoint: anyEndpoint,
  version: anyIndex,
  entity: orNull(fc.nat(2)),
  label: anyLabel,
  score: fc.constantFrom(0.25, 0.5),
});

/** The same again, or nearly. */
const anyBatch = fc.array(anySent, { minLength: 1, maxLength: 4 }).chain((sent) =>
  fc.array(fc.tuple(fc.nat(sent.length - 1), fc.boolean()), { maxLength: 2 }).map((again) => [
    ...sent,
    ...again.flatMap(([index, isOther]) => {
      const one = sent[index];
      return one === undefined ? [] : [isOther ? { ...one, label: 'MAYBE' } : one];
    }),
  ]),
);

const anySearch = fc
  .record({
    endpoint: anyEndpoint,
    from: anyMoment,
    to: fc.oneof(anyMoment, fc.constant(hour(23))),
    version: orNull(anyIndex),
    label: orNull(anyLabel),
    isNotLabel: fc.boolean(),
    hasConflicts: fc.option(fc.boolean(), { nil: null, freq: 2 }),
    entity: fc.option(fc.nat(2), { nil: null, freq: 1 }),
    minScore: orNull(fc.constantFrom(0.25, 0.5)),
    hasLabel: fc.option(fc.boolean(), { nil: null, freq: 1 }),
  })
  .map((search) => (search.from < search.to ? search : { ...search, to: hour(23) }));

const anyCommand: fc.Arbitrary<HistoryCommand> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.tuple(fc.nat(1), fc.nat(2), fc.nat(1)).map((one) => registerVersion(...one)),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(anyIndex, anyStage, orNull(anyHour), fc.option(anyIndex, { nil: null, freq: 1 }))
      .map((one) => moveVersion(...one)),
  },
  { weight: 5, arbitrary: anyStart.map(startDeployment) },
  {
    weight: 4,
    arbitrary: fc.tuple(anyIndex, anyRestatement).map((one) => restateDeployment(...one)),
  },
  { weight: 5, arbitrary: anyBatch.map(appendPredictions) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.nat(4), fc.nat(1), anyEndpoint, anyHour, anyLabel)
      .map((one) => observeOutcome(...one)),
  },
  { weight: 1, arbitrary: fc.nat(2).map(eraseEntity) },
  { weight: 4, arbitrary: fc.tuple(anyIndex, anyIndex).map((one) => traceOne(...one)) },
  {
    weight: 4,
    arbitrary: fc.tuple(anyEndpoint, anyHour, anyIndex).map((one) => askServed(...one)),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(anyIndex, fc.boolean(), anyWindow).map((one) => askImpact(...one)),
  },
  { weight: 4, arbitrary: anySearch.map(askSearch) },
);

const startOf = (endpoint: number): HistoryCommand =>
  startDeployment({
    endpoint,
    version: 0,
    role: 'CANARY',
    trafficShare: 0.25,
    startedAt: hour(0),
    replaces: [],
  });

/** Before anything else: a version in production, a little of it on each endpoint. */
const BEGINNING: readonly HistoryCommand[] = [
  registerVersion(0, 0, 0),
  moveVersion(0, 'STAGING', '2026-01-01T01:00:00.000000Z', null),
  moveVersion(0, 'PRODUCTION', '2026-01-01T02:00:00.000000Z', null),
  registerVersion(1, 0, 1),
  moveVersion(1, 'STAGING', '2026-01-01T01:00:00.000000Z', null),
  startOf(0),
  startOf(1),
];

const HISTORIES = Math.ceil(inputsOr(10_000) / 500);

const anyHistory = fc.array(anyCommand, { minLength: 20, maxLength: 60, size: 'max' });

const assertAgrees = async (commands: readonly HistoryCommand[]): Promise<void> => {
  const history: History = { versions: [], deployments: [], predictions: new Map(), outcomes: [] };
  const server = historyServer(hindcast);
  const done: string[] = [];
  for (const command of [...BEGINNING, ...commands, traceAll]) {
    if (!command.check(history)) continue;
    done.push(command.toString());
    try {
      await command.run(history, server);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${done.join('\n')}`, { cause: error });
    }
  }
};

it('answers as a plain reading of the history says, whatever happened', {
  timeout: timeoutFor(HISTORIES * 20),
}, async () => {
  await tryAll('histories', anyHistory, assertAgrees, HISTORIES);
  await sealLedger(database, signer);
  const report = await verifyLedger(database, {
    keys: [signer.verifierKey],
    witnesses: [],
    artifacts,
    archive,
  });
  expect(report.discrepancies).toEqual([]);
  expect(report.pending).toBe(0);
});
