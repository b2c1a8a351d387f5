import { encodeGlobalID } from '@pothos/plugin-relay';
import { afterAll, describe, expect, it } from 'vitest';
import { SCOPES } from '../src/platform/context.ts';
import { allowsModel } from '../src/platform/model-pattern.ts';
import { appendPredictions } from '../src/prediction/append.ts';
import { modelVersionByDigest } from '../src/registry/model-version.ts';
import { field } from './feature-fixture.ts';
import { askEveryWay, makeKey, startClosed } from './setup/closed.ts';
import { openTestDatabase } from './setup/database.ts';
import { openServing, rawLines, type Serving } from './setup/ingest.ts';

const database = await openTestDatabase();
const open = async (requestId: string): Promise<Serving & { readonly model: string }> => {
  const serving = await openServing({ database }, [field('distance', 'FP64')], { distance: 1 });
  await appendPredictions(database, rawLines([serving.line(requestId)]));
  const version = await modelVersionByDigest(database).load(serving.version.digest);
  return { ...serving, model: version?.model.name ?? '' };
};
const own = await open('own');
const other = await open('other');
const { text } = await makeKey(database, SCOPES, { models: [own.model] });
const everything = (await makeKey(database, SCOPES)).text;
const server = await startClosed(database);
afterAll(async () => {
  await server.close();
  await database.close();
});

const ask = async (query: string) => {
  const { data, errors } = await askEveryWay(server, text, query);
  return { data, messages: errors?.map(({ message }) => message) ?? [] };
};
const request = ({ endpoint }: Serving, requestId: string) =>
  `{ request: { endpoint: { name: "${endpoint.name}", environment: "${endpoint.environment}" }, requestId: "${requestId}" } }`;
const WINDOW = 'occurredAt: { from: "2026-04-03T00:00:00Z", to: "2026-04-04T00:00:00Z" }';

describe('a caller that is restricted to models', () => {
  it('sees their predictions and versions as if there were no others', async () => {
    const look = (serving: Serving & { readonly model: string }, requestId: string) => `{
      predictionLog(by: ${request(serving, requestId)}) { requestId modelVersion { model { name } } }
      trace(prediction: ${request(serving, requestId)}) { verdict commit { oid } datasets { role } }
      modelVersion(by: { digest: "${serving.version.digest}" }) { model { versions { nodes { digest } } } }
      model(name: "${serving.model}") { name }
      node(id: "${encodeGlobalID('ModelVersion', serving.version.digest)}") { id }
      nodes(ids: ["${encodeGlobalID('Model', serving.model)}"]) { id }
    }`;
    const mine = await ask(look(own, 'own'));
    expect(mine.messages).toEqual([]);
    expect(mine.data).toMatchObject({
      predictionLog: { requestId: 'own', modelVersion: { model: { name: own.model } } },
      modelVersion: { model: { versions: { nodes: [{ digest: own.version.digest }] } } },
      model: { name: own.model },
      nodes: [{}],
    });
    expect(await ask(look(other, 'other'))).toEqual({
      data: {
        predictionLog: null,
        trace: null,
        modelVersion: null,
        model: null,
        node: null,
        nodes: [null],
      },
      messages: [],
    });
  });

  it('sees no more of what others were just shown by the same operation', async () => {
    const query = `query ($by: PredictionLogReference!, $version: ModelVersionReference!, $id: ID!) {
      predictionLog(by: $by) { requestId modelVersion { digest } }
      trace(prediction: $by) { verdict modelVersion { digest } }
      modelVersion(by: $version) { digest model { name } }
      node(id: $id) { id }
    }`;
    const { name, environment } = other.endpoint;
    const variables = {
      by: { request: { endpoint: { name, environment }, requestId: 'other' } },
      version: { digest: other.version.digest },
      id: encodeGlobalID('ModelVersion', other.version.digest),
    };
    const { digest } = other.version;
    const shown = await askEveryWay(server, everything, query, { variables });
    expect(shown.data).toMatchObject({
      modelVersion: { digest },
      trace: { modelVersion: { digest } },
    });
    const hidden = await askEveryWay(server, text, query, { variables });
    expect(hidden.errors).toBeUndefined();
    expect(hidden.data).toEqual({
      predictionLog: null,
      trace: null,
      modelVersion: null,
      node: null,
    });
  });

  it('finds only their predictions by search, and cannot ask for other versions', async () => {
    const found = await ask(
      `{ predictionLogs(filter: { ${WINDOW} }) { nodes { requestId } count { value } } }`,
    );
    expect(found).toEqual({
      data: { predictionLogs: { nodes: [{ requestId: 'own' }], count: { value: 1 } } },
      messages: [],
    });
    const not = `{ predictionLogs(filter: { ${WINDOW}, not: { requestIds: ["own"] } }) { nodes { requestId } } }`;
    expect((await ask(not)).data).toEqual({ predictionLogs: { nodes: [] } });
    const version = (digest: string) =>
      `{ predictionLogs(filter: { ${WINDOW}, modelVersion: { digest: "${digest}" } }) { nodes { requestId } } }`;
    const unknown = await ask(version(`sha256:${'0'.repeat(64)}`));
    const foreign = await ask(version(other.version.digest));
    expect(foreign.messages).toEqual(unknown.messages);
    expect(foreign.messages).toEqual(['filter.modelVersion: There is no such model version.']);
    const elsewhere = `{ endpoint(by: { route: { name: "${other.endpoint.name}", environment: "${other.endpoint.environment}" } }) {
      predictions(filter: { ${WINDOW} }) { nodes { requestId } } } }`;
    expect(await ask(elsewhere)).toEqual({
      data: { endpoint: { predictions: { nodes: [] } } },
      messages: [],
    });
  });

  it.each([
    'featureSchema { modelVersions { nodes { semver } } }',
    'modelVersion { downstream { nodes { id } } }',
    `modelVersion { diff(base: { digest: "sha256:${'0'.repeat(64)}" }) { isSameRecipe } }`,
    'replay { verdict }',
    'trace { findings { subject { id } } }',
    'counterexamples(during: {}) { comparedCount }',
    'endpoint { predictionEstimate { recorded } }',
  ])('is refused what leads elsewhere: %s', async (selection) => {
    const { messages } = await ask(
      `{ predictionLog(by: ${request(own, 'own')}) { ${selection} } }`,
    );
    expect(messages).toEqual([
      expect.stringMatching(/ is not for callers that are restricted to models\.$/),
    ]);
  });

  it('is told by names, and by beginnings of names', () => {
    expect(allowsModel(null, 'a')).toBe(true);
    expect(allowsModel([], 'a')).toBe(false);
    expect(allowsModel(['flight-*'], 'flight-delay')).toBe(true);
    expect(allowsModel(['flight-*'], 'flights')).toBe(false);
    expect(allowsModel(['flight'], 'flight-delay')).toBe(false);
    expect(allowsModel(['*'], 'a')).toBe(true);
  });
});
