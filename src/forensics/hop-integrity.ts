import { commitDigest } from '../evidence/code-commit.ts';
import { findSnapshots, snapshotDigest } from '../evidence/dataset-snapshot.ts';
import { findFeatureSchemas } from '../evidence/feature-schema.ts';
import { featureSchemaContent } from '../evidence/feature-schema-record.ts';
import { environmentContent, findEnvironments } from '../evidence/runtime-environment.ts';
import { digestOf } from '../platform/canonical-json.ts';
import type { Context } from '../platform/context.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { predictionByIdentity } from '../prediction/prediction-by-identity.ts';
import { type PredictionLog, parseIdentityKey } from '../prediction/prediction-log.ts';
import { checkIntegrity } from '../registry/integrity.ts';
import { deploymentById } from '../serving/deployment-history.ts';
import { brokenDeploymentFacts } from '../serving/timeline.ts';
import type { NodeKind, Vertex } from './lineage-walk.ts';
import { storedDigestHolds } from './stored-digest.ts';

interface Digested {
  readonly digest: string;
}

const holds = <Row extends Digested>(
  row: Row | null | undefined,
  compute: (row: Row) => string,
): boolean => row != null && compute(row) === row.digest;

type Check = (context: Context, key: string) => Promise<boolean | null>;

/** What a vertex is filed under, recomputed from its rows past every cache. */
const CHECKS: { readonly [Kind in NodeKind]: Check } = {
  CODE_COMMIT: async ({ database }, key) =>
    holds(
      await database.prisma.codeCommit.findUnique({ where: { id: Number(key) } }),
      commitDigest,
    ),
  DATASET_SNAPSHOT: async ({ database }, key) => {
    const [found] = await findSnapshots(database.prisma, { id: { in: [Number(key)] } });
    return holds(found, snapshotDigest);
  },
  FEATURE_SCHEMA: async ({ database }, key) => {
    const [found] = await findFeatureSchemas(database.prisma, { id: { in: [Number(key)] } });
    return holds(found, (schema) => digestOf(featureSchemaContent(schema)));
  },
  RUNTIME_ENVIRONMENT: async ({ database }, key) => {
    const [found] = await findEnvironments(database.prisma, { id: { in: [Number(key)] } });
    return holds(found, (environment) => digestOf(environmentContent(environment)));
  },
  // Its digest is that of bytes which lie elsewhere.
  ARTIFACT: async () => null,
  MODEL_VERSION: async (context, key) => (await checkIntegrity(context, Number(key))).isIntact,
  DEPLOYMENT: async (context, key) => {
    const [deployment] = await deploymentById(context).load(Number(key));
    return deployment !== undefined && brokenDeploymentFacts(deployment).length === 0;
  },
  PREDICTION: async (context, key) => {
    const identity = referenced(parseIdentityKey(key));
    const prediction: PredictionLog | null = await predictionByIdentity(context).load(identity);
    return prediction === null ? false : storedDigestHolds(context, prediction);
  },
};

/** Whether what is stored of a vertex still gives its digest; null where there is nothing here to recompute. */
export const isIntact = (context: Context, { kind, key }: Vertex): Promise<boolean | null> =>
  CHECKS[kind](context, key);
