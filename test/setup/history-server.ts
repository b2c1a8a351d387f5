import { unique } from './database.ts';
import type { TestHindcast } from './hindcast.ts';
import type {
  Deployment,
  Outcome,
  Prediction,
  Restatement,
  Stage,
  Start,
  Transition,
  Version,
} from './history-model.ts';
import { oidOf, sha256 } from './registry.ts';

type Json = Record<string, unknown>;

/** A time as the model writes it. */
export const micros = (text: string): string =>
  text.length === 24 ? `${text.slice(0, -1)}000Z` : text;

interface Result {
  readonly __typename: string;
  readonly deployment?: { readonly id: string; readonly recordedAt: string };
}

const STATUSES = (lines: readonly Json[], count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) =>
    String(lines.find(({ line }) => line === index + 1)?.status ?? 'STORED'),
  );

/** A Hindcast in which one history happens, apart from all others. */
export const historyServer = ({ ask, fetch }: Pick<TestHindcast, 'ask' | 'fetch'>) => {
  const name = unique('history');
  const endpoints = [0, 1].map((number) => ({ name: `${name}-${number}`, environment: 'test' }));
  const mutate = async <Answer>(document: string, input: Json): Promise<Answer> =>
    (await ask<{ result: Answer }>(document, { input })).result;
  const stream = async (path: string, records: readonly Json[]): Promise<readonly string[]> => {
    const response = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: records.map((record) => JSON.stringify(record)).join('\n'),
    });
    const lines = (await response.text()).trim().split('\n');
    return STATUSES(
      lines.map((line) => JSON.parse(line) as Json),
      records.length,
    );
  };
  const modelOf = (model: number): string => `${name}-model-${model}`;
  const deploymentResult = async (document: string, input: Json): Promise<Result> => {
    const { deployment, ...rest } = await mutate<Result>(document, input);
    return deployment === undefined
      ? rest
      : { ...rest, deployment: { ...deployment, recordedAt: micros(deployment.recordedAt) } };
  };
  return {
    ask,
    name,
    endpoints,
    requestOf: (request: number): string => `${name}-r${request}`,
    entityOf: (entity: number): string => `${name}-e${entity}`,
    releaseOf: (model: number, minor: number): string => `${modelOf(model)}@1.${minor}.0`,

    register: async (model: number, minor: number, commit: number) => {
      const definition = (more: Json) => ({ definition: more });
      const result = await mutate<{
        readonly __typename: string;
        readonly isNew?: boolean;
        readonly modelVersion?: {
          readonly id: string;
          readonly digest: string;
          readonly commit: { readonly id: string };
          readonly transitions: { readonly nodes: readonly Transition[] };
        };
      }>(
        `mutation ($input: RegisterModelVersionInput!) { result: registerModelVersion(input: $input) {
          __typename ... on RegisterModelVersionPayload { isNew modelVersion { id digest commit { id }
            transitions(first: 50) { nodes { sequence to occurredAt recordedAt corrects } } } }
        } }`,
        {
          model: modelOf(model),
          semver: `1.${minor}.0`,
          registeredAt: '2026-01-01T00:00:00Z',
          commit: definition({
            repository: `https://example.org/${name}`,
            oid: oidOf(`${name} ${commit}`),
          }),
          featureSchema: definition({
            name: `${name}-features`,
            semver: '1.0.0',
            fields: [{ name: 'a', type: 'FP64' }],
          }),
          datasets: [
            {
              role: 'TRAINING',
              snapshot: definition({
                name,
                contentDigest: sha256(name),
                location: `s3://data/${name}`,
              }),
            },
          ],
          environment: definition({
            runtime: 'cpython 3.12.4',
            platform: 'linux/amd64',
            packages: ['pkg:pypi/numpy@2.1.0'],
          }),
          artifacts: [
            {
              role: 'WEIGHTS',
              artifact: definition({
                digest: sha256(`${name} ${model} ${minor}`),
                location: `s3://models/${name}`,
                mediaType: 'application/x-onnx',
                sizeBytes: 1,
              }),
            },
          ],
        },
      );
      const { modelVersion, ...rest } = result;
      if (modelVersion === undefined) return { ...rest, modelVersion };
      const { id, digest, commit: used, transitions: found } = modelVersion;
      const transitions = found.nodes.map((transition) => ({
        ...transition,
        occurredAt: micros(transition.occurredAt),
        recordedAt: micros(transition.recordedAt),
      }));
      return { ...rest, modelVersion: { id, digest, commitId: used.id, transitions } };
    },

    move: async (
      version: Version,
      to: Stage,
      occurredAt: string | null,
      corrects: number | null,
    ) => {
      const { transition, ...rest } = await mutate<{
        readonly __typename: string;
        readonly transition?: Pick<Transition, 'sequence' | 'occurredAt' | 'recordedAt'>;
      }>(
        `mutation ($input: TransitionModelVersionInput!) { result: transitionModelVersion(input: $input) {
          __typename ... on TransitionModelVersionPayload { transition { sequence occurredAt recordedAt } }
        } }`,
        { modelVersion: { id: version.id }, to, reason: 'Tried.', occurredAt, corrects },
      );
      return transition === undefined
        ? { ...rest, transition }
        : {
            ...rest,
            transition: {
              ...transition,
              occurredAt: micros(transition.occurredAt),
              recordedAt: micros(transition.recordedAt),
            },
          };
    },

    start: (
      { endpoint, role, trafficShare, startedAt }: Start,
      version: Version,
      replaced: readonly Deployment[],
    ): Promise<Result> =>
      deploymentResult(
        `mutation ($input: StartDeploymentInput!) { result: startDeployment(input: $input) {
          __typename ... on StartDeploymentPayload { deployment { id recordedAt } }
        } }`,
        {
          endpoint: endpoints[endpoint],
          modelVersion: { id: version.id },
          role,
          trafficShare,
          startedAt,
          replaces: replaced.map(({ id }) => id),
          overrideReason: 'Tried.',
        },
      ),

    end: (deployment: Deployment, endedAt: string): Promise<Result> =>
      deploymentResult(
        `mutation ($input: EndDeploymentInput!) { result: endDeployment(input: $input) {
          __typename ... on EndDeploymentPayload { deployment { id recordedAt } }
        } }`,
        { deployment: deployment.id, endReason: 'RETIRED', endedAt, reason: 'Tried.' },
      ),

    correct: (deployment: Deployment, { isEnd: _, ...restated }: Restatement): Promise<Result> =>
      deploymentResult(
        `mutation ($input: CorrectDeploymentInput!) { result: correctDeployment(input: $input) {
          __typename ... on CorrectDeploymentPayload { deployment { id recordedAt } }
        } }`,
        {
          ...restated,
          ...(restated.endedAt == null ? {} : { endReason: 'SUPERSEDED' }),
          deployment: deployment.id,
          reason: 'Tried.',
        },
      ),

    /** When the newest fact about a deployment was recorded. */
    lastRecorded: async (id: string): Promise<string> => {
      const { node } = await ask<{ node: { facts: readonly { recordedAt: string }[] } }>(
        'query ($id: ID!) { node(id: $id) { ... on Deployment { facts { recordedAt } } } }',
        { id },
      );
      return micros(node.facts.at(-1)?.recordedAt ?? '');
    },

    append: (predictions: readonly Prediction[]): Promise<readonly string[]> =>
      stream(
        '/v1/predictions',
        predictions.map(
          ({ requestId, item, occurredAt, endpoint, version, entity, label, score }) => ({
            requestId,
            item,
            occurredAt,
            endpoint: endpoints[endpoint],
            modelVersion: version.digest,
            features: { a: 1 },
            entityKey: entity,
            label,
            score,
          }),
        ),
      ),

    referenceTo: ({ requestId, item, occurredAt, endpoint }: Prediction): Json => ({
      request: { requestId, item, occurredAt, endpoint: endpoints[endpoint] },
    }),

    recordedAt: async ({ requestId, item, occurredAt, endpoint }: Prediction): Promise<string> => {
      const { predictionLog } = await ask<{ predictionLog: { recordedAt: string } }>(
        'query ($by: PredictionLogReference!) { predictionLog(by: $by) { recordedAt } }',
        { by: { request: { requestId, item, occurredAt, endpoint: endpoints[endpoint] } } },
      );
      return micros(predictionLog.recordedAt);
    },

    observe: ({
      requestId,
      item,
      endpoint,
      observedAt,
      label,
    }: Outcome): Promise<readonly string[]> =>
      stream('/v1/outcomes', [
        { requestId, item, endpoint: endpoints[endpoint], observedAt, label },
      ]),

    /** What was erased; null when nothing is on record. */
    erase: async (entityKey: string): Promise<Json | null> => {
      const { erasure } = await mutate<{ erasure?: Json }>(
        `mutation ($input: EraseEntityInput!) { result: eraseEntity(input: $input) {
          ... on EraseEntityPayload { erasure { predictionCount outcomeCount conflictCount } }
        } }`,
        { entityKey, legalBasis: 'Tried.', reason: 'Tried.' },
      );
      return erasure ?? null;
    },
  };
};

export type HistoryServer = ReturnType<typeof historyServer>;
