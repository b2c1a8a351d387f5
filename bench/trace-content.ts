import assert from 'node:assert';

/** A JSON answer, of whatever shape. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };
type Fields = { readonly [key: string]: Json };

const fieldsOf = (value: Json | undefined): Fields => {
  assert(typeof value === 'object' && value !== null && !Array.isArray(value));
  return value as Fields;
};
const listOf = (value: Json | undefined): readonly Fields[] => {
  assert(Array.isArray(value));
  return value.map(fieldsOf);
};
const ms = (value: Json | undefined): number => Date.parse(String(value));
const parsed = (value: Json | undefined): Json =>
  typeof value === 'string' ? (JSON.parse(value) as Json) : (value ?? null);

/** What all servers are asked for, written the same: times to the millisecond, JSON read, lists in order. */
const isTime = /(At|From|To)$/;
const isJson = /^(output|hyperparameters|parameters)$/;
const isCount = /^(rowCount|sizeBytes)$/;

const plain = (value: Json, key = ''): Json => {
  if (value === null) return null;
  if (isJson.test(key)) return parsed(value);
  if (isTime.test(key) && typeof value === 'string') return ms(value);
  if (isCount.test(key)) return Number(value);
  if (key === 'digest' && !String(value).startsWith('sha256:')) {
    return `sha256:${Buffer.from(String(value), 'base64').toString('hex')}`;
  }
  if (Array.isArray(value)) return value.map((one: Json) => plain(one));
  if (typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one, name)]));
};

const pick = (from: Json | undefined, ...names: readonly string[]): Fields =>
  Object.fromEntries(names.map((name) => [name, plain(fieldsOf(from)[name] ?? null, name)]));

const byText = (values: readonly Json[]): readonly Json[] =>
  values.map((value) => JSON.stringify(value)).sort();

const PREDICTION = ['requestId', 'item', 'traceId', 'entityKey', 'occurredAt', 'digest', 'score'];
const ANSWER = ['label', 'output', 'latencyMs'];
const OUTCOME = ['label', 'value', 'observedAt'];
const DEPLOYMENT = ['trafficShare', 'startedAt', 'endedAt', 'endReason', 'reason', 'actor'];
const VERSION = ['semver', 'digest', 'recordedBy', 'hyperparameters'];
const SCHEMA = ['name', 'semver', 'digest'];
const COMMIT = ['repository', 'oid', 'isDirty', 'messageHeadline', 'author', 'committedAt'];
const ENVIRONMENT = ['runtime', 'platform', 'threads', 'digest'];
const SNAPSHOT = ['name', 'digest', 'rowCount', 'eventTimeFrom', 'eventTimeTo'];
const ARTIFACT = ['digest', 'mediaType', 'sizeBytes'];
const STEP = ['function', 'version', 'inputs', 'parameters'];

const common = (trace: Fields, features: readonly Json[], outcome: Json | undefined): Json => ({
  prediction: pick(trace.prediction, ...PREDICTION, ...ANSWER),
  endpoint: pick(fieldsOf(trace.prediction).endpoint, 'name', 'environment'),
  outcome: outcome == null ? null : pick(outcome, ...OUTCOME),
  deployment: pick(trace.deployment, 'role', ...DEPLOYMENT),
  stage: trace.stageAtPrediction ?? null,
  version: pick(trace.modelVersion, ...VERSION),
  model: pick(fieldsOf(trace.modelVersion).model, 'name'),
  expected: pick(fieldsOf(trace.modelVersion).featureSchema, ...SCHEMA),
  commit: pick(trace.commit, ...COMMIT),
  builtWith: pick(trace.featureSchema, ...SCHEMA),
  features,
  datasets: byText(
    listOf(trace.datasets).map(({ role, snapshot }) => [role ?? null, pick(snapshot, ...SNAPSHOT)]),
  ),
  environment: pick(trace.environment, ...ENVIRONMENT),
  artifacts: byText(
    listOf(trace.artifacts).map(({ role, artifact }) => [
      role ?? null,
      pick(artifact, ...ARTIFACT),
    ]),
  ),
});

const definition = (field: Fields): Fields => ({
  ...pick(field, 'type', 'isNullable', 'description'),
  transformations: listOf(field.transformations).map((step) => pick(step, ...STEP)),
});

/** The content of an answer of Hindcast. */
export const contentOfHindcast = (answer: Json): Json => {
  const trace = fieldsOf(fieldsOf(fieldsOf(answer).data).trace);
  const features = listOf(trace.features).map((feature) => ({
    name: feature.name ?? null,
    text: feature.text ?? null,
    observedAt: plain(feature.observedAt ?? null, 'observedAt'),
    ...definition(fieldsOf(feature.definition)),
  }));
  return common(trace, features, fieldsOf(trace.prediction).outcome);
};

/** Which array of the log holds the values of a type. */
const columnOf = (type: Json | undefined): 'numbers' | 'integers' | 'texts' => {
  if (type === 'FP32' || type === 'FP64') return 'numbers';
  return type === 'STRING' ? 'texts' : 'integers';
};

/** The fewest digits that tell an FP32 value apart. */
const shortest = (value: number): number =>
  [6, 7, 8]
    .map((digits) => Number(value.toPrecision(digits)))
    .find((near) => Math.fround(near) === value) ?? Number(value.toPrecision(9));

const textOf = (type: Json | undefined, value: Json): string => {
  if (type === 'BOOL') return String(Number(value) === 1);
  return String(type === 'FP32' ? shortest(Number(value)) : value);
};

/** Joins the arrays of the log to the definitions, which the client of the other servers has to do. */
const joined = (fields: readonly Fields[], values: Fields, observed: Json | undefined): Json[] => {
  const used = { numbers: 0, integers: 0, texts: 0 };
  return fields.map((field, index) => {
    const shape = (field.shape ?? []) as readonly number[];
    const length = shape.reduce((product, size) => product * size, 1);
    const column = columnOf(field.type);
    const stored = values[column] as readonly Json[];
    const own = stored.slice(used[column], used[column] + length);
    used[column] += length;
    const texts = own.map((value) => (value === null ? null : textOf(field.type, value)));
    const at = (observed as readonly Json[])[index] ?? null;
    return {
      name: field.name ?? null,
      text: shape.length === 0 || own[0] === null ? (texts[0] ?? null) : `[${texts.join(', ')}]`,
      observedAt: at === null ? null : Math.floor(Number(at) / 1000),
      ...definition(field),
    };
  });
};

/** The content of an answer of the prepared statement. */
export const contentOfStatement = (answer: Json): Json => {
  const trace = fieldsOf(answer);
  const values = fieldsOf(trace.values);
  const features = joined(listOf(trace.fields), values, values.observedAt);
  return common(trace, features, fieldsOf(trace.prediction).outcome);
};

const inOrder = (values: readonly Fields[], by: string): readonly Fields[] =>
  [...values].sort((a, b) => Number(a[by]) - Number(b[by]));

/** The content of a prediction with its relations; which deployment and stage it was is the client's to find. */
export const contentOfRelations = (prediction: Json): Json => {
  const row = fieldsOf(prediction);
  const version = fieldsOf(row.modelVersion);
  const at = ms(row.occurredAt);
  const deployment = listOf(fieldsOf(row.endpoint).deployments)
    .filter(({ modelVersionId }) => modelVersionId === version.rowId)
    .map(({ role, facts }) => ({
      ...inOrder(listOf(facts), 'sequence').at(-1),
      role: role ?? null,
    }))
    .find((fact) => ms(fieldsOf(fact).startedAt) <= at);
  const stages = inOrder(listOf(version.transitions), 'sequence');
  const schema = fieldsOf(row.featureSchema);
  const fields = inOrder(listOf(schema.fields), 'position');
  const trace: Fields = {
    prediction: row,
    deployment: deployment ?? null,
    stageAtPrediction: stages.findLast(({ occurredAt }) => ms(occurredAt) <= at)?.toStage ?? null,
    modelVersion: version,
    commit: version.codeCommit ?? null,
    featureSchema: schema,
    datasets: version.datasets ?? null,
    environment: version.environment ?? null,
    artifacts: version.artifacts ?? null,
  };
  return common(trace, joined(fields, row, row.featureObservedAt), listOf(row.outcomes)[0]);
};
