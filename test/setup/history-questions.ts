import { expect } from 'vitest';
import type { HistoryCommand } from './history-commands.ts';
import {
  behind,
  believed,
  covers,
  type Deployment,
  EVER,
  type History,
  identityOf,
  maySend,
  outcomesOf,
  type Prediction,
  servingAt,
  stageOf,
  type Version,
} from './history-model.ts';
import { type HistoryServer, micros } from './history-server.ts';

// Questions at any point of a history, each with what the model says to them.

type Json = Record<string, unknown>;

/** Some instant at which something was recorded; `EVER` for now. */
const recordTime = ({ versions, deployments, predictions }: History, index: number): string => {
  const times = [
    EVER,
    ...versions.flatMap(({ transitions }) => transitions.map(({ recordedAt }) => recordedAt)),
    ...deployments.flatMap(({ facts }) => facts.map(({ recordedAt }) => recordedAt)),
    ...[...predictions.values()].map(({ recordedAt }) => recordedAt),
  ];
  return times[index % times.length] ?? EVER;
};

const knownAtOf = (knownAt: string): Json => (knownAt === EVER ? {} : { knownAt });

const TRACE = `query ($prediction: PredictionLogReference!, $knownAt: DateTime) {
  trace(prediction: $prediction, knownAt: $knownAt) {
    modelVersion { digest } deployment { id } stageAtPrediction findings { code } gaps { reason }
    prediction { entityKey label scoreText conflicts { recordedAt } erasure { reason } outcome { label } outcomes { label } }
  }
}`;

interface Trace {
  readonly modelVersion: Json;
  readonly deployment: Json | null;
  readonly stageAtPrediction: string | null;
  readonly findings: readonly { readonly code: string }[];
  readonly gaps: readonly { readonly reason: string }[];
  readonly prediction: Json & {
    readonly conflicts: readonly Json[];
    readonly outcomes: readonly Json[];
  };
}

const CODES = ['DEPLOYMENT_MISMATCH', 'CONFLICTING_RECORDS', 'STAGE_NOT_SERVABLE'];

/** The one observed last; of several then, the one recorded last. */
const lastOutcome = (history: History, prediction: Prediction): string | null => {
  const outcomes = outcomesOf(history, prediction);
  const latest = outcomes
    .map(({ observedAt }) => observedAt)
    .sort()
    .at(-1);
  return outcomes.filter(({ observedAt }) => observedAt === latest).at(-1)?.label ?? null;
};

const findingsOf = (
  history: History,
  prediction: Prediction,
  knownAt: string,
): readonly string[] => {
  const deployment = behind(history, prediction, knownAt);
  const stage = stageOf(prediction.version, prediction.occurredAt, knownAt);
  return [
    ...(deployment === null ? ['DEPLOYMENT_MISMATCH'] : []),
    ...(prediction.conflicts.size > 0 ? ['CONFLICTING_RECORDS'] : []),
    ...(maySend(deployment?.role ?? 'CANARY', stage) ? [] : ['STAGE_NOT_SERVABLE']),
  ].sort();
};

const expectTrace = async (
  history: History,
  { ask, referenceTo }: HistoryServer,
  prediction: Prediction,
  knownAt: string,
): Promise<void> => {
  const variables = { prediction: referenceTo(prediction), ...knownAtOf(knownAt) };
  const { trace } = await ask<{ trace: Trace | null }>(TRACE, variables);
  if (prediction.recordedAt > knownAt) return expect(trace).toBeNull();
  if (trace === null) throw new Error(`There is no trace of ${identityOf(prediction)}`);
  const { findings, gaps, prediction: shown, ...rest } = trace;
  const deployment = behind(history, prediction, knownAt);
  expect(rest).toEqual({
    modelVersion: { digest: prediction.version.digest },
    deployment: deployment === null ? null : { id: deployment.id },
    stageAtPrediction: stageOf(prediction.version, prediction.occurredAt, knownAt),
  });
  const { isErased, entity, label, score, conflicts } = prediction;
  expect(gaps.some(({ reason }) => reason === 'ERASED')).toBe(isErased);
  expect(shown).toMatchObject({
    entityKey: isErased ? null : entity,
    label: isErased ? null : label,
    scoreText: isErased ? null : String(score),
    erasure: isErased ? { reason: 'Tried.' } : null,
  });
  if (knownAt !== EVER) return;
  const codes = findings.map(({ code }) => code).filter((code) => CODES.includes(code));
  expect([...new Set(codes)].sort()).toEqual(findingsOf(history, prediction, knownAt));
  expect(shown.conflicts).toHaveLength(conflicts.size);
  expect(shown.outcomes).toEqual(
    outcomesOf(history, prediction).map((one) => ({ label: one.label })),
  );
  const outcome = lastOutcome(history, prediction);
  expect(shown.outcome).toEqual(outcome === null ? null : { label: outcome });
};

export const traceOne = (index: number, knownAt: number): HistoryCommand => ({
  check: ({ predictions }) => predictions.size > 0,
  toString: () => `trace ${index} as known at ${knownAt}`,
  run: async (history, server) => {
    const predictions = [...history.predictions.values()];
    const prediction = predictions[index % predictions.length];
    if (prediction !== undefined) {
      await expectTrace(history, server, prediction, recordTime(history, knownAt));
    }
  },
});

export const traceAll: HistoryCommand = {
  check: () => true,
  toString: () => 'trace all',
  run: async (history, server) => {
    for (const prediction of history.predictions.values()) {
      await expectTrace(history, server, prediction, EVER);
    }
  },
};

const SERVED = `query ($endpoint: EndpointReference!, $at: DateTime!, $knownAt: DateTime) {
  servedAt(endpoint: $endpoint, at: $at, knownAt: $knownAt) {
    deployments { id role trafficShare startedAt endedAt modelVersion { digest } }
  }
}`;

export const askServed = (endpoint: number, at: string, knownAt: number): HistoryCommand => ({
  check: () => true,
  toString: () => `served ${endpoint} at ${at} as known at ${knownAt}`,
  run: async (history, { ask, endpoints }) => {
    const known = recordTime(history, knownAt);
    const variables = { endpoint: { route: endpoints[endpoint] }, at, ...knownAtOf(known) };
    const { servedAt } = await ask<{
      servedAt: {
        readonly deployments: readonly (Json & { startedAt: string; endedAt: string | null })[];
      };
    }>(SERVED, variables);
    const shown = servedAt.deployments.map(({ startedAt, endedAt, ...rest }) => ({
      ...rest,
      startedAt: micros(startedAt),
      endedAt: endedAt === null ? null : micros(endedAt),
    }));
    expect(shown).toEqual(
      servingAt(history.deployments, endpoint, at, known).map(({ deployment, fact }) => ({
        id: deployment.id,
        role: deployment.role,
        trafficShare: fact.trafficShare,
        startedAt: fact.startedAt,
        endedAt: fact.endedAt,
        modelVersion: { digest: deployment.version.digest },
      })),
    );
  },
});

export interface Window {
  readonly from: string | null;
  readonly to: string | null;
}

const isWithin = ({ from, to }: Window, at: string): boolean =>
  (from === null || from <= at) && (to === null || at < to);

const IMPACT = `query ($of: ImpactRoot!, $during: TimeWindow) {
  impact(of: $of, during: $during) {
    predictionCount isServing
    deployments(first: 100) { nodes { id } }
    endpoints(first: 100) { nodes {
      endpoint { name } predictionCount activeTrafficShare deployedFrom deployedTo answeredFrom answeredTo
    } }
    spans(first: 100) { nodes { modelVersion { digest } endpoint { name } predictionCount firstAt lastAt } }
  }
}`;

interface Span {
  readonly modelVersion: { readonly digest: string };
  readonly endpoint: { readonly name: string };
  readonly predictionCount: number;
  readonly firstAt: string;
  readonly lastAt: string;
}

interface Impact {
  readonly predictionCount: number;
  readonly isServing: boolean;
  readonly deployments: { readonly nodes: readonly { readonly id: string }[] };
  readonly endpoints: { readonly nodes: readonly (Json & { endpoint: { name: string } })[] };
  readonly spans: { readonly nodes: readonly Span[] };
}

const earliest = (times: readonly string[]): string | null => [...times].sort()[0] ?? null;
const latest = (times: readonly string[]): string | null => [...times].sort().at(-1) ?? null;
const shownTime = (value: unknown): unknown => (typeof value === 'string' ? micros(value) : value);

const isDuring = (deployment: Deployment, { from, to }: Window): boolean => {
  const fact = believed(deployment);
  return (
    fact !== null &&
    (to === null || fact.startedAt < to) &&
    (from === null || fact.endedAt === null || fact.endedAt > from)
  );
};

const endpointImpact = (
  name: string,
  deployments: readonly Deployment[],
  answered: readonly Prediction[],
  window: Window,
): Json => {
  const now = '2026-03';
  const facts = deployments
    .filter((one) => isDuring(one, window))
    .flatMap((one) => believed(one) ?? []);
  const ends = facts.map(({ endedAt }) => endedAt);
  const share = deployments.reduce((sum, one) => {
    const fact = believed(one);
    return fact !== null && one.role !== 'SHADOW' && covers(fact, now)
      ? sum + fact.trafficShare
      : sum;
  }, 0);
  const times = answered.map(({ occurredAt }) => occurredAt);
  return {
    endpoint: { name },
    predictionCount: answered.length,
    activeTrafficShare: share,
    deployedFrom: earliest(facts.map(({ startedAt }) => startedAt)),
    deployedTo: ends.includes(null) ? null : latest(ends.filter((end) => end !== null)),
    answeredFrom: earliest(times),
    answeredTo: latest(times),
  };
};

const groupsOf = (predictions: readonly Prediction[]): readonly (readonly Prediction[])[] => {
  const groups = new Map<string, Prediction[]>();
  for (const prediction of predictions) {
    const key = `${prediction.endpoint} ${prediction.version.digest}`;
    groups.set(key, [...(groups.get(key) ?? []), prediction]);
  }
  return [...groups.values()];
};

const byText = (one: unknown, other: unknown): number =>
  JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;

const spansOf = (affected: readonly Prediction[], { endpoints }: HistoryServer): readonly Span[] =>
  groupsOf(affected).flatMap((group) => {
    const [first] = group;
    const times = group.map(({ occurredAt }) => occurredAt);
    return first === undefined
      ? []
      : [
          {
            modelVersion: { digest: first.version.digest },
            endpoint: { name: endpoints[first.endpoint]?.name ?? '' },
            predictionCount: group.length,
            firstAt: earliest(times) ?? '',
            lastAt: latest(times) ?? '',
          },
        ];
  });

/** Of a version, or of the commit that it and perhaps others were built from. */
export const askImpact = (
  version: number,
  isOfCommit: boolean,
  during: Window,
): HistoryCommand => ({
  check: ({ versions }) => versions.length > 0,
  toString: () =>
    `impact of ${isOfCommit ? 'the commit of ' : ''}${version} during ${JSON.stringify(during)}`,
  run: async (history, server) => {
    const root = history.versions[version % history.versions.length];
    if (root === undefined) return;
    const isAffected = (one: Version): boolean =>
      isOfCommit ? one.commit === root.commit : one === root;
    const of = { id: isOfCommit ? root.commitId : root.id };
    const { impact } = await server.ask<{ impact: Impact }>(IMPACT, { of, during });
    const affected = [...history.predictions.values()].filter(
      (one) => isAffected(one.version) && isWithin(during, one.occurredAt),
    );
    const deployments = history.deployments.filter(
      (one) => isAffected(one.version) && believed(one) !== null,
    );
    const expected = server.endpoints
      .map(({ name }, endpoint) =>
        endpointImpact(
          name,
          deployments.filter((one) => one.endpoint === endpoint),
          affected.filter((one) => one.endpoint === endpoint),
          during,
        ),
      )
      .filter(
        ({ predictionCount }, endpoint) =>
          predictionCount !== 0 || deployments.some((one) => one.endpoint === endpoint),
      );
    const endpoints = impact.endpoints.nodes.map((node) =>
      Object.fromEntries(Object.entries(node).map(([name, value]) => [name, shownTime(value)])),
    );
    expect(endpoints.toSorted(byText)).toEqual(
      expected.map((one) => Object.fromEntries(Object.entries(one))).toSorted(byText),
    );
    expect(impact.predictionCount).toBe(affected.length);
    expect(impact.isServing).toBe(
      expected.some(({ activeTrafficShare }) => Number(activeTrafficShare) > 0),
    );
    const spans = impact.spans.nodes.map(({ firstAt, lastAt, ...rest }) => ({
      ...rest,
      firstAt: micros(firstAt),
      lastAt: micros(lastAt),
    }));
    expect(spans.toSorted(byText)).toEqual(spansOf(affected, server).toSorted(byText));
    expect(impact.deployments.nodes.map(({ id }) => id).sort()).toEqual(
      deployments
        .filter((one) => isDuring(one, during))
        .map(({ id }) => id)
        .sort(),
    );
  },
});

/** Conditions of a search; what is null is left out. */
export interface Search {
  readonly endpoint: number;
  readonly from: string;
  readonly to: string;
  readonly version: number | null;
  readonly label: string | null;
  readonly isNotLabel: boolean;
  readonly hasConflicts: boolean | null;
  readonly entity: number | null;
  readonly minScore: number | null;
  readonly hasLabel: boolean | null;
}

const SEARCH = `query ($filter: PredictionLogFilter!) {
  predictionLogs(filter: $filter, first: 200, orderBy: { field: OCCURRED_AT, direction: ASC }) {
    nodes { requestId item occurredAt endpoint { name } } count { value isExact }
  }
}`;

interface Found {
  readonly predictionLogs: {
    readonly nodes: readonly {
      requestId: string;
      item: number;
      occurredAt: string;
      endpoint: { name: string };
    }[];
    readonly count: Json;
  };
}

const given = (value: unknown, filter: Json): Json => (value === null ? {} : filter);

export const askSearch = (search: Search): HistoryCommand => ({
  check: ({ versions }) => versions.length > 0,
  toString: () => `search ${JSON.stringify(search)}`,
  run: async (history, { ask, endpoints, entityOf }) => {
    const { endpoint, from, to, label, isNotLabel, hasConflicts, entity, minScore, hasLabel } =
      search;
    const version =
      search.version === null ? null : history.versions[search.version % history.versions.length];
    const labelled = { label: { eq: label } };
    const { predictionLogs } = await ask<Found>(SEARCH, {
      filter: {
        endpoint: { route: endpoints[endpoint] },
        occurredAt: { from, to },
        ...given(version ?? null, { modelVersion: { digest: version?.digest } }),
        ...given(label, isNotLabel ? { not: labelled } : labelled),
        ...given(hasConflicts, { hasConflicts }),
        ...given(entity, { entityKeys: [entityOf(entity ?? 0)] }),
        ...given(minScore, { score: { gte: minScore } }),
        ...given(hasLabel, { hasLabel }),
      },
    });
    const matching = [...history.predictions.values()].filter((one) => {
      const isErased = one.isErased;
      return (
        one.endpoint === endpoint &&
        from <= one.occurredAt &&
        one.occurredAt < to &&
        (version == null || one.version === version) &&
        (label === null || (!isErased && one.label === label) !== isNotLabel) &&
        (hasConflicts === null || one.conflicts.size > 0 === hasConflicts) &&
        (entity === null || (!isErased && one.entity === entityOf(entity))) &&
        (minScore === null || (!isErased && one.score >= minScore)) &&
        (hasLabel === null || !isErased === hasLabel)
      );
    });
    const shown = predictionLogs.nodes.map(({ endpoint: { name }, ...rest }) => ({
      ...rest,
      occurredAt: micros(rest.occurredAt),
      name,
    }));
    expect(shown.toSorted(byText)).toEqual(
      matching
        .map(({ requestId, item, occurredAt }) => ({
          requestId,
          item,
          occurredAt,
          name: endpoints[endpoint]?.name,
        }))
        .toSorted(byText),
    );
    expect(predictionLogs.count).toEqual({ value: matching.length, isExact: true });
  },
});
