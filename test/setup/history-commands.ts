import fc from 'fast-check';
import { expect } from 'vitest';
import {
  believed,
  contentOf,
  covers,
  type Deployment,
  type Fact,
  type History,
  identityOf,
  isShared,
  mayMove,
  maySend,
  outcomesOf,
  type Prediction,
  type Restatement,
  type Stage,
  type Start,
  stageOf,
} from './history-model.ts';
import type { HistoryServer } from './history-server.ts';

// What may happen, each with what must come of it.

export type HistoryCommand = fc.AsyncCommand<History, HistoryServer>;

export const hour = (hours: number): string =>
  `2026-02-01T${String(hours).padStart(2, '0')}:00:00.000000Z`;

const HOURS = 12;
export const anyHour = fc.nat(HOURS).map(hour);
/** At full hours, and a microsecond beside them. */
export const anyMoment = fc
  .tuple(fc.nat(HOURS), fc.constantFrom('00:00.000000', '00:00.000001', '59:59.999999'))
  .map(([hours, rest]) => `${hour(hours).slice(0, 14)}${rest}Z`);

const always = (): boolean => true;
const at = <Item>(items: readonly Item[], index: number): Item => {
  const item = items[index % items.length];
  if (item === undefined) throw new Error('There is none.');
  return item;
};

export const registerVersion = (model: number, minor: number, commit: number): HistoryCommand => ({
  check: always,
  toString: () => `register ${model}@1.${minor}.0 of commit ${commit}`,
  run: async (history, server) => {
    const release = server.releaseOf(model, minor);
    const existing = history.versions.find((version) => version.release === release);
    const result = await server.register(model, minor, commit);
    if (existing !== undefined && existing.commit !== commit) {
      expect(result.__typename).toBe('VersionConflictError');
      return;
    }
    const { isNew, modelVersion } = result;
    expect(isNew).toBe(existing === undefined);
    if (existing === undefined && modelVersion !== undefined) {
      const { id, digest, commitId, transitions } = modelVersion;
      history.versions.push({
        id,
        digest,
        release,
        commit,
        commitId,
        transitions: [...transitions],
      });
    } else {
      expect(modelVersion?.digest).toBe(existing?.digest);
    }
  },
});

export const moveVersion = (
  version: number,
  to: Stage,
  occurredAt: string | null,
  corrects: number | null,
): HistoryCommand => ({
  check: ({ versions }) => versions.length > 0,
  toString: () => `move ${version} to ${to} at ${occurredAt} instead of ${corrects}`,
  run: async (history, server) => {
    const moved = at(history.versions, version);
    const corrected = corrects === null ? null : 1 + (corrects % moved.transitions.length);
    const { transition, __typename } = await server.move(moved, to, occurredAt, corrected);
    const isTwice = moved.transitions.some(
      (one) => corrected !== null && one.corrects === corrected,
    );
    const next = {
      sequence: moved.transitions.length + 1,
      to,
      occurredAt: occurredAt ?? '2999',
      corrects: corrected,
    };
    const expected = isTwice
      ? 'InvalidInputError'
      : mayMove(moved, next)
        ? 'TransitionModelVersionPayload'
        : 'TransitionNotAllowedError';
    expect(__typename).toBe(expected);
    if (transition === undefined) return;
    expect(transition.sequence).toBe(next.sequence);
    moved.transitions.push({ ...next, ...transition });
  },
});

const endedBy = (deployment: Deployment, endedAt: string, recordedAt: string): Deployment => {
  const fact = deployment.facts.at(-1);
  return fact === undefined
    ? deployment
    : { ...deployment, facts: [...deployment.facts, { ...fact, endedAt, recordedAt }] };
};

export const startDeployment = (start: Start): HistoryCommand => ({
  check: ({ versions }) => versions.length > 0,
  toString: () => `start ${JSON.stringify(start)}`,
  run: async (history, server) => {
    const { endpoint, role, trafficShare, startedAt } = start;
    const version = at(history.versions, start.version);
    const here = history.deployments.filter((deployment) => deployment.endpoint === endpoint);
    const replaced = [
      ...new Set(here.length === 0 ? [] : start.replaces.map((index) => at(here, index))),
    ];
    const result = await server.start(start, version, replaced);
    const inForce = replaced.every((deployment) => {
      const fact = believed(deployment);
      return fact !== null && covers(fact, startedAt);
    });
    const id = result.deployment?.id ?? '';
    const recordedAt = result.deployment?.recordedAt ?? '';
    const first = { trafficShare, startedAt, endedAt: null, isRetracted: false, recordedAt };
    const started: Deployment = { id, endpoint, version, role, facts: [first] };
    const after = history.deployments.map((deployment) =>
      replaced.includes(deployment) ? endedBy(deployment, startedAt, recordedAt) : deployment,
    );
    const expected = !maySend(role, stageOf(version, startedAt))
      ? 'StageNotServableError'
      : !inForce
        ? 'InvalidInputError'
        : isShared([...after, started], endpoint)
          ? 'StartDeploymentPayload'
          : 'TrafficShareError';
    expect(result.__typename).toBe(expected);
    if (result.deployment === undefined) return;
    for (const [index, deployment] of after.entries()) {
      const fact = deployment.facts.at(-1);
      if (fact !== undefined && deployment !== history.deployments[index]) {
        history.deployments[index]?.facts.push({
          ...fact,
          recordedAt: await server.lastRecorded(deployment.id),
        });
      }
    }
    history.deployments.push(started);
  },
});

export const restateDeployment = (index: number, restated: Restatement): HistoryCommand => ({
  check: ({ deployments }) => deployments.length > 0,
  toString: () => `restate ${index} ${JSON.stringify(restated)}`,
  run: async (history, server) => {
    const deployment = at(history.deployments, index);
    const before = deployment.facts.at(-1);
    if (before === undefined) throw new Error('A deployment has a fact.');
    const { isEnd, startedAt, endedAt, trafficShare, isRetracted } = restated;
    const end = isEnd ? (endedAt ?? hour(HOURS)) : endedAt;
    const fact: Fact = isEnd
      ? { ...before, endedAt: end ?? null }
      : {
          trafficShare: trafficShare ?? before.trafficShare,
          startedAt: startedAt ?? before.startedAt,
          endedAt: end === undefined ? before.endedAt : end,
          isRetracted: isRetracted ?? before.isRetracted,
          recordedAt: '',
        };
    const result = isEnd
      ? await server.end(deployment, end ?? '')
      : await server.correct(deployment, restated);
    const after = history.deployments.map((other) =>
      other === deployment ? { ...deployment, facts: [fact] } : other,
    );
    const isWrong =
      (isEnd && before.endedAt !== null) ||
      (fact.endedAt !== null && fact.endedAt < fact.startedAt);
    const expected = isWrong
      ? 'InvalidInputError'
      : isShared(after, deployment.endpoint)
        ? isEnd
          ? 'EndDeploymentPayload'
          : 'CorrectDeploymentPayload'
        : 'TrafficShareError';
    expect(result.__typename).toBe(expected);
    if (result.deployment === undefined) return;
    deployment.facts.push({ ...fact, recordedAt: await server.lastRecorded(deployment.id) });
  },
});

export interface Sent {
  readonly request: number;
  readonly item: number;
  readonly occurredAt: string;
  readonly endpoint: number;
  readonly version: number;
  readonly entity: number | null;
  readonly label: string;
  readonly score: number;
}

/** What is in the log of a prediction that is sent, and what the sender is told. */
const taken = (history: History, prediction: Prediction): string => {
  const identity = identityOf(prediction);
  const before = history.predictions.get(identity);
  if (before === undefined) {
    history.predictions.set(identity, prediction);
    return 'STORED';
  }
  if (before.isErased || contentOf(before) === contentOf(prediction)) return 'DUPLICATE';
  before.conflicts.add(contentOf(prediction));
  return 'CONFLICT';
};

export const appendPredictions = (sent: readonly Sent[]): HistoryCommand => ({
  check: ({ versions }) => versions.length > 0,
  toString: () => `append ${JSON.stringify(sent)}`,
  run: async (history, server) => {
    const predictions = sent.map(
      (one): Prediction => ({
        requestId: server.requestOf(one.request),
        item: one.item,
        occurredAt: one.occurredAt,
        endpoint: one.endpoint,
        version: at(history.versions, one.version),
        entity: one.entity === null ? null : server.entityOf(one.entity),
        label: one.label,
        score: one.score,
        recordedAt: '',
        conflicts: new Set(),
        isErased: false,
      }),
    );
    const told = await server.append(predictions);
    expect(told).toEqual(predictions.map((prediction) => taken(history, prediction)));
    for (const prediction of predictions) {
      if (history.predictions.get(identityOf(prediction)) !== prediction) continue;
      prediction.recordedAt = await server.recordedAt(prediction);
    }
  },
});

export const observeOutcome = (
  request: number,
  item: number,
  endpoint: number,
  observedAt: string,
  label: string,
): HistoryCommand => ({
  check: always,
  toString: () => `observe ${label} of ${request}/${item} on ${endpoint} at ${observedAt}`,
  run: async (history, server) => {
    const outcome = { requestId: server.requestOf(request), item, endpoint, observedAt, label };
    const told = await server.observe(outcome);
    const about = [...history.predictions.values()].filter(
      (one) =>
        one.requestId === outcome.requestId && one.item === item && one.endpoint === endpoint,
    );
    const isKnown =
      about.some(({ isErased }) => isErased) ||
      history.outcomes.some((one) => JSON.stringify(one) === JSON.stringify(outcome));
    expect(told).toEqual([isKnown ? 'DUPLICATE' : 'STORED']);
    if (!isKnown) history.outcomes.push(outcome);
  },
});

export const eraseEntity = (entity: number): HistoryCommand => ({
  check: always,
  toString: () => `erase ${entity}`,
  run: async (history, server) => {
    const key = server.entityOf(entity);
    const erased = [...history.predictions.values()].filter(
      (prediction) => prediction.entity === key && !prediction.isErased,
    );
    const gone = new Set(erased.flatMap((prediction) => outcomesOf(history, prediction)));
    const conflicts = erased.reduce((sum, prediction) => sum + prediction.conflicts.size, 0);
    expect(await server.erase(key)).toEqual(
      erased.length === 0
        ? null
        : { predictionCount: erased.length, outcomeCount: gone.size, conflictCount: conflicts },
    );
    for (const prediction of erased) {
      prediction.isErased = true;
      prediction.conflicts.clear();
    }
    history.outcomes = history.outcomes.filter((outcome) => !gone.has(outcome));
  },
});
