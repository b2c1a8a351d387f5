import type { TestHindcast } from './hindcast.ts';
import { isList, isNumber, isObject, type JsonText, readJson } from './json-text.ts';
import {
  type FeatureMeaning,
  type LineMeaning,
  microseconds,
  plain,
  shown,
} from './line-meaning.ts';

const SHOWN = `fragment Shown on PredictionLog {
  id requestId item occurredAt endpoint { name environment } modelVersion { digest }
  entityKey traceId scoreText label output latencyMs samplingRate
  features { name status text elements observedAt definition { type } }
}`;
const FIND = `query ($ids: [String!]!, $after: String) {
  predictionLogs(filter: { requestIds: $ids }, first: 40, after: $after) {
    nodes { ...Shown } pageInfo { hasNextPage endCursor }
  }
} ${SHOWN}`;
const TRACE = `query ($id: ID!) { trace(prediction: { id: $id }) { prediction { ...Shown } } } ${SHOWN}`;

type Members = ReadonlyMap<string, JsonText>;

/** What stands at the end of some names. */
const at = (value: JsonText | undefined, ...names: readonly string[]): JsonText =>
  names.reduce<JsonText>(
    (inner, name) => (isObject(inner) ? (inner.get(name) ?? null) : null),
    value ?? null,
  );

const scalar = (type: JsonText, text: JsonText): unknown => {
  if (text === null) return null;
  switch (type) {
    case 'FP64':
      return Number(text);
    case 'FP32':
      return Math.fround(Number(text));
    case 'INT64':
      return BigInt(String(text));
    case 'BOOL':
      return text === 'true';
    case 'TIMESTAMP':
      return microseconds(String(text));
    default:
      return text;
  }
};

const featureOf = (feature: Members): FeatureMeaning => {
  const type = at(feature, 'definition', 'type');
  const elements = at(feature, 'elements');
  const observedAt = at(feature, 'observedAt');
  return {
    name: String(feature.get('name')),
    status: String(feature.get('status')),
    value: isList(elements)
      ? elements.map((element) => scalar(type, element))
      : scalar(type, at(feature, 'text')),
    observedAt: observedAt === null ? null : microseconds(String(observedAt)),
  };
};

const numberOf = (value: JsonText): number => Number(isNumber(value) ? value.token : value);
const textOf = (value: JsonText): string | null => (value === null ? null : String(value));

/** A prediction as GraphQL answers it, in the words of what a line means. */
const readNode = (node: Members): LineMeaning => {
  const list = at(node, 'features');
  const features = isList(list) ? list.filter(isObject) : [];
  const score = at(node, 'scoreText');
  const latency = at(node, 'latencyMs');
  return {
    requestId: String(node.get('requestId')),
    item: numberOf(at(node, 'item')),
    occurredAt: microseconds(String(node.get('occurredAt'))),
    endpoint: `${String(at(node, 'endpoint', 'environment'))}/${String(at(node, 'endpoint', 'name'))}`,
    modelVersion: String(at(node, 'modelVersion', 'digest')),
    entityKey: textOf(at(node, 'entityKey')),
    traceId: textOf(at(node, 'traceId')),
    score: score === null ? null : Number(score),
    label: textOf(at(node, 'label')),
    output: plain(at(node, 'output'), Number),
    latencyMs: isNumber(latency) ? Number(latency.token) : null,
    samplingRate: numberOf(at(node, 'samplingRate')),
    features: features.filter((feature) => at(feature, 'definition') !== null).map(featureOf),
    undeclared: features
      .filter((feature) => at(feature, 'definition') === null)
      .map((feature) => [
        String(feature.get('name')),
        plain(readJson(String(feature.get('text'))), shown),
      ]),
  };
};

const askExactly = async (
  { fetch }: Pick<TestHindcast, 'fetch'>,
  query: string,
  variables: object,
): Promise<JsonText> => {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const answer = readJson(await response.text());
  if (at(answer, 'errors') !== null) throw new Error(JSON.stringify(plain(answer, String)));
  return at(answer, 'data');
};

/** Every prediction with one of these request IDs; one of them is traced, and must be the same there. */
export const readBack = async (
  hindcast: Pick<TestHindcast, 'fetch'>,
  ids: readonly string[],
): Promise<readonly LineMeaning[]> => {
  const nodes: Members[] = [];
  for (let after: JsonText = null, isDone = false; !isDone; ) {
    const data: JsonText = await askExactly(hindcast, FIND, { ids, after });
    const page = at(data, 'predictionLogs', 'nodes');
    nodes.push(...(isList(page) ? page.filter(isObject) : []));
    isDone = at(data, 'predictionLogs', 'pageInfo', 'hasNextPage') !== true;
    after = at(data, 'predictionLogs', 'pageInfo', 'endCursor');
  }
  const [first] = nodes;
  if (first !== undefined) {
    const traced = at(
      await askExactly(hindcast, TRACE, { id: first.get('id') }),
      'trace',
      'prediction',
    );
    if (JSON.stringify(plain(traced, String)) !== JSON.stringify(plain(first, String))) {
      throw new Error(
        `The trace differs: ${JSON.stringify([plain(first, String), plain(traced, String)])}`,
      );
    }
  }
  return nodes.map(readNode);
};
