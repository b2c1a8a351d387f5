import {
  type FeatureSchema,
  featureSchemaByDigest,
  featureSchemaById,
  featureSchemaByRelease,
} from '../evidence/feature-schema.ts';
import type { Database } from '../platform/database.ts';
import { referenced } from '../platform/immutable-cache.ts';
import {
  type ModelVersion,
  modelVersionByDigest,
  modelVersionByRelease,
} from '../registry/model-version.ts';
import { type Endpoint, endpointByRoute } from '../serving/endpoint.ts';
import { excerpt } from './feature-issue.ts';
import type { ContentReference } from './record-keys.ts';
import type { RecordIssue, RecordIssues, RejectionCode } from './rejection.ts';

/** What the records of a batch refer to, as far as it exists. */
export interface ReferenceTable {
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** By digest and by `model@semver`: no digest looks like a release. */
  readonly versions: ReadonlyMap<string, ModelVersion>;
  readonly schemas: ReadonlyMap<string, FeatureSchema>;
  /** The own schema of each version above, by its `id`. */
  readonly ownSchemas: ReadonlyMap<number, FeatureSchema>;
}

interface Referring {
  readonly endpoint: string;
  readonly modelVersion?: ContentReference;
  readonly featureSchema?: ContentReference | null;
}

interface Loader<Key, Value> {
  readonly load: (key: Key) => Promise<Value | null>;
}

/** Looks up what a batch refers to: at most one statement a kind, and none for what was seen before. */
export const resolveReferences = async (
  database: Database,
  records: readonly Referring[],
): Promise<ReferenceTable> => {
  const routes = new Set<string>();
  const versions = { digest: new Set<string>(), release: new Set<string>() };
  const schemas = { digest: new Set<string>(), release: new Set<string>() };
  for (const { endpoint, modelVersion, featureSchema } of records) {
    routes.add(endpoint);
    if (modelVersion !== undefined) versions[modelVersion.by].add(modelVersion.key);
    if (featureSchema != null) schemas[featureSchema.by].add(featureSchema.key);
  }
  const [endpoints, ...found] = await Promise.all([
    loadAll(endpointByRoute(database), routes),
    loadAll(modelVersionByDigest(database), versions.digest),
    loadAll(modelVersionByRelease(database), versions.release),
    loadAll(featureSchemaByDigest(database), schemas.digest),
    loadAll(featureSchemaByRelease(database), schemas.release),
  ]);
  const [versionsByDigest, versionsByRelease, schemasByDigest, schemasByRelease] = found;
  const allVersions = new Map([...versionsByDigest, ...versionsByRelease]);
  const own = new Set([...allVersions.values()].map(({ featureSchemaId }) => featureSchemaId));
  return {
    endpoints,
    versions: allVersions,
    schemas: new Map([...schemasByDigest, ...schemasByRelease]),
    ownSchemas: await loadAll(featureSchemaById(database), own),
  };
};

const loadAll = async <Key, Value>(
  loader: Loader<Key, Value>,
  keys: ReadonlySet<Key>,
): Promise<ReadonlyMap<Key, Value>> => {
  const found = new Map<Key, Value>();
  await Promise.all(
    [...keys].map(async (key) => {
      const value = await loader.load(key);
      if (value !== null) found.set(key, value);
    }),
  );
  return found;
};

/** What one prediction refers to, or what of it is not known yet. */
export const predictionReferences = (
  table: ReferenceTable,
  record: Referring & { readonly modelVersion: ContentReference },
):
  | { readonly endpoint: Endpoint; readonly version: ModelVersion; readonly schema: FeatureSchema }
  | RecordIssues => {
  const endpoint = table.endpoints.get(record.endpoint);
  const version = table.versions.get(record.modelVersion.key);
  const named = record.featureSchema ?? null;
  const schema = named === null ? ownSchema(table, version) : table.schemas.get(named.key);
  if (endpoint !== undefined && version !== undefined && schema !== undefined) {
    return { endpoint, version, schema };
  }
  const issues: RecordIssue[] = [];
  if (endpoint === undefined) issues.push(unknownEndpoint(record.endpoint));
  if (version === undefined) issues.push(unknown('modelVersion', record.modelVersion));
  if (schema === undefined && named !== null) issues.push(unknown('featureSchema', named));
  const [first, ...rest] = issues;
  // A version that exists always has its schema.
  return [referenced(first ?? null), ...rest];
};

const ownSchema = (
  { ownSchemas }: ReferenceTable,
  version: ModelVersion | undefined,
): FeatureSchema | undefined =>
  version === undefined ? undefined : ownSchemas.get(version.featureSchemaId);

export const unknownEndpoint = (route: string): RecordIssue => ({
  code: 'UNKNOWN_ENDPOINT',
  path: 'endpoint',
  value: excerpt(route),
  message: `endpoint is ${excerpt(route)}, which is not on record; start a deployment on it (startDeployment) and this record is tried again by itself`,
  waitsFor: `endpoint:route:${route}`,
});

const UNKNOWN: Readonly<Record<'modelVersion' | 'featureSchema', RejectionCode>> = {
  modelVersion: 'UNKNOWN_MODEL_VERSION',
  featureSchema: 'UNKNOWN_FEATURE_SCHEMA',
};

const unknown = (
  path: 'modelVersion' | 'featureSchema',
  { by, key }: ContentReference,
): RecordIssue => ({
  code: UNKNOWN[path],
  path,
  value: excerpt(key),
  message: `${path} is ${excerpt(key)}, which is not registered; register it and this record is tried again by itself`,
  waitsFor: `${path}:${by}:${key}`,
});

/** Which of the events that records wait for have happened: what `waitsFor` names exists. */
export const recordedKeys = async (
  database: Database,
  keys: ReadonlySet<string>,
): Promise<readonly string[]> => {
  const found = await Promise.all(
    [...keys].map(async (key) => ((await loadWaitedFor(database, key)) === null ? [] : [key])),
  );
  return found.flat();
};

const loadWaitedFor = (database: Database, waitsFor: string): Promise<object | null> => {
  const [, kind = '', key = ''] = /^(\w+:\w+):([\s\S]*)$/.exec(waitsFor) ?? [];
  switch (kind) {
    case 'endpoint:route':
      return endpointByRoute(database).load(key);
    case 'modelVersion:digest':
      return modelVersionByDigest(database).load(key);
    case 'modelVersion:release':
      return modelVersionByRelease(database).load(key);
    case 'featureSchema:digest':
      return featureSchemaByDigest(database).load(key);
    case 'featureSchema:release':
      return featureSchemaByRelease(database).load(key);
    default:
      return Promise.resolve(null);
  }
};
