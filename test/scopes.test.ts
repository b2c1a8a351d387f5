import {
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  getNamedType,
  isCompositeType,
  isInterfaceType,
  isNonNullType,
  isObjectType,
  isUnionType,
} from 'graphql';
import { afterAll, describe, expect, it } from 'vitest';
import { localActor, SCOPES, type Scope } from '../src/platform/context.ts';
import { statedNeeds } from '../src/platform/needs.ts';
import { appendPredictions } from '../src/prediction/append.ts';
import { identityKey, selectPredictions } from '../src/prediction/prediction-log.ts';
import { schema } from '../src/schema.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { fieldNeeds } from '../src/server/requirements.ts';
import { askEveryWay, makeKey, startClosed } from './setup/closed.ts';
import { openTestDatabase } from './setup/database.ts';
import { openServing, rawLines } from './setup/ingest.ts';

const database = await openTestDatabase();
const keys = new Map<string, string>();
const keyWith = async (scopes: readonly Scope[], models: readonly string[] | null = null) => {
  const name = JSON.stringify([scopes, models]);
  const text = keys.get(name) ?? (await makeKey(database, scopes, { models })).text;
  keys.set(name, text);
  return text;
};
await keyWith(SCOPES);
const server = await startClosed(database);
afterAll(async () => {
  await server.close();
  await database.close();
});

interface Root {
  readonly place: string;
  readonly query: string;
  readonly scopes: readonly Scope[];
  readonly isWithinModels: boolean;
}

const rootOf = (
  operation: string,
  parent: GraphQLObjectType,
  field: GraphQLField<unknown, unknown>,
): Root => {
  // Every required argument is a variable that is not given: what is refused later than that ran too far.
  const required = field.args.filter(
    ({ type, defaultValue }) => isNonNullType(type) && defaultValue === undefined,
  );
  const declared = required.map(({ name, type }) => `$${name}: ${type}`).join(', ');
  const passed = required.map(({ name }) => `${name}: $${name}`).join(', ');
  const selection = isCompositeType(getNamedType(field.type)) ? ' { __typename }' : '';
  return {
    place: `${parent.name}.${field.name}`,
    query: `${operation} ${declared && `(${declared})`} { ${field.name}${passed && `(${passed})`}${selection} }`,
    scopes: [...new Set(fieldNeeds(schema, parent, field).scopes)],
    isWithinModels: fieldNeeds(schema, parent, field).isWithinModels,
  };
};

const roots = (
  [
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
    ['subscription', schema.getSubscriptionType()],
  ] as const
).flatMap(([operation, type]) =>
  type == null
    ? []
    : Object.values(type.getFields()).map((field) => rootOf(operation, type, field)),
);

const codeOf = async (scopes: readonly Scope[], query: string, models?: readonly string[]) => {
  const { status, errors } = await askEveryWay(
    server,
    await keyWith(scopes, models ?? null),
    query,
  );
  const extensions = errors?.[0]?.extensions as { code?: string; scopes?: string[] } | undefined;
  return { status, code: extensions?.code, scopes: extensions?.scopes };
};

describe('every root field', () => {
  it('declares what it needs, and only these need nothing but credentials', () => {
    const undeclared = [
      schema.getQueryType(),
      schema.getMutationType(),
      schema.getSubscriptionType(),
    ]
      .flatMap((type) => Object.values(type?.getFields() ?? {}))
      .filter((field) => statedNeeds(field) === null);
    expect(undeclared.map(({ name }) => name)).toEqual([]);
    expect(roots.length).toBeGreaterThan(45);
    expect(roots.filter(({ scopes }) => scopes.length === 0).map(({ place }) => place)).toEqual([
      'Query.node',
      'Query.nodes',
      'Query.serverInfo',
    ]);
  });

  it.each(roots.map((root) => [root.place, root] as const))(
    'refuses without one of its scopes: %s',
    async (_, { query, scopes, isWithinModels }) => {
      for (const scope of scopes) {
        const others = SCOPES.filter((one) => one !== scope);
        expect(await codeOf(others, query)).toEqual({
          status: 403,
          code: 'FORBIDDEN',
          scopes: [scope],
        });
      }
      expect(await codeOf(SCOPES, query)).not.toMatchObject({ code: 'FORBIDDEN' });
      const restricted = await codeOf(SCOPES, query, ['nothing']);
      if (isWithinModels) expect(restricted.code).not.toBe('FORBIDDEN');
      else expect(restricted).toEqual({ status: 403, code: 'FORBIDDEN', scopes: [] });
    },
  );
});

describe('every route', () => {
  it.each(logRoutes.map((route) => [route.path, route] as const))(
    'refuses without its scope: %s',
    async (path, { method, scope }) => {
      const others = SCOPES.filter((one) => one !== scope);
      const status = async (credential: string | null) => {
        const response = await fetch(server.url + path, {
          method,
          body: '',
          headers: {
            'content-type': 'application/x-ndjson',
            ...(credential === null ? {} : { authorization: `Bearer ${credential}` }),
          },
        });
        return [response.status, response.status === 200 ? null : await response.json()];
      };
      expect(scope).not.toBeNull();
      expect((await status(null))[0]).toBe(401);
      expect(await status(await keyWith(others))).toEqual([
        403,
        {
          errors: [
            {
              message: `${path} needs the scope ${scope}, which this caller lacks.`,
              extensions: { code: 'FORBIDDEN', scopes: [scope] },
            },
          ],
        },
      ]);
      expect(await status(await keyWith(SCOPES, ['nothing']))).toMatchObject([403, {}]);
      expect((await status(await keyWith(SCOPES)))[0]).toBe(200);
    },
  );
});

/** Object types that somebody with these scopes can come to, whatever the query. */
const reachableWith = (scopes: readonly Scope[]): readonly string[] => {
  const has = (needed: readonly Scope[]) => needed.every((scope) => scopes.includes(scope));
  const found = new Set<string>();
  const enter = (type: GraphQLNamedType | null | undefined): void => {
    if (isUnionType(type)) {
      type.getTypes().forEach(enter);
    } else if (isInterfaceType(type)) {
      for (const object of schema.getPossibleTypes(type)) {
        // As the guard of interfaces has it.
        const stated = statedNeeds(object);
        if (stated !== null && has(stated.scopes)) enter(object);
      }
    } else if (isObjectType(type) && !found.has(type.name)) {
      found.add(type.name);
      for (const field of Object.values(type.getFields())) {
        if (has(fieldNeeds(schema, type, field).scopes)) enter(getNamedType(field.type));
      }
    }
  };
  enter(schema.getQueryType());
  enter(schema.getMutationType());
  enter(schema.getSubscriptionType());
  return [...found].filter((name) => !/^(Query|Mutation|Subscription)$/.test(name)).sort();
};

describe('no way around', () => {
  it('leads from one domain into the other', () => {
    const registry = reachableWith(['registry:read']);
    const predictions = reachableWith(['predictions:read']);
    expect(registry).toEqual(expect.arrayContaining(['ModelVersion', 'Deployment', 'Ledger']));
    expect(predictions).toEqual(expect.arrayContaining(['PredictionLog', 'FeatureValue']));
    expect(registry.filter((name) => predictions.includes(name))).toEqual([
      'Checkpoint',
      'LedgerProof',
      'PageInfo',
      'RowProof',
      'ServerInfo',
    ]);
    expect(reachableWith([])).toEqual(['ServerInfo']);
    expect(reachableWith(['admin', 'features:sensitive'])).toEqual(
      expect.not.arrayContaining(['PredictionLog', 'ModelVersion']),
    );
  });

  it('leads through interfaces or global IDs', async () => {
    const { version, endpoint, line } = await openServing({ database }, [], {});
    await appendPredictions(database, rawLines([line('one')]));
    const [prediction] = await selectPredictions(
      database,
      'prediction_in_test',
      'WHERE l.endpoint_id = $1',
      [endpoint.id],
    );
    if (prediction === undefined) throw new Error('not stored');
    const idOf = (type: string, key: string) => Buffer.from(`${type}:${key}`).toString('base64');
    const predictionId = idOf('PredictionLog', identityKey(prediction));
    const versionId = idOf('ModelVersion', version.digest);
    const ask = async (scopes: readonly Scope[], query: string) => {
      const { data, errors } = await askEveryWay(server, await keyWith(scopes), query);
      return { data, code: errors?.map(({ extensions }) => extensions) };
    };
    const lacking = (scope: Scope) => [{ code: 'FORBIDDEN', scopes: [scope] }];

    const node = (id: string) => `{ node(id: "${id}") { id } }`;
    expect(await ask(['registry:read'], node(versionId))).toMatchObject({
      data: { node: { id: versionId } },
    });
    expect(await ask(['registry:read'], node(predictionId))).toEqual({
      data: { node: null },
      code: lacking('predictions:read'),
    });
    // The same for what does not exist.
    expect(await ask(['registry:read'], node(`${predictionId.slice(0, -8)}AAAAAAAA`))).toEqual({
      data: { node: null },
      code: lacking('predictions:read'),
    });
    expect(await ask(['predictions:read'], `{ nodes(ids: ["${versionId}"]) { id } }`)).toEqual({
      data: { nodes: null },
      code: lacking('registry:read'),
    });
    const fragment = `{ node(id: "${predictionId}") { ... on PredictionLog { score } } }`;
    expect(await ask(['registry:read'], fragment)).toEqual({
      data: undefined,
      code: lacking('predictions:read'),
    });
    const version_ = `{ node(id: "${predictionId}") { ... on PredictionLog { modelVersion { semver } } } }`;
    expect(await ask(['predictions:read'], version_)).toEqual({
      data: undefined,
      code: lacking('registry:read'),
    });
    const downstream = `{ node(id: "${versionId}") { ... on LineageNode {
      downstream(kinds: [PREDICTION]) { pageInfo { endCursor } nodes { displayName } } } } }`;
    const both = await ask(['registry:read', 'predictions:read'], downstream);
    expect(both.code).toBeUndefined();
    const walked = await ask(['registry:read'], downstream);
    expect(walked.code).toEqual(lacking('predictions:read'));
    expect(JSON.stringify(walked.data)).not.toContain('one');
  });

  it('is open to the local actor only where nothing is configured', () => {
    expect([...localActor('x').scopes].sort()).toEqual([...SCOPES].sort());
  });
});
