import { artifactByDigest, artifactById } from '../evidence/artifact.ts';
import { codeCommitByDigest, codeCommitById } from '../evidence/code-commit.ts';
import { datasetSnapshotByDigest, datasetSnapshotById } from '../evidence/dataset-snapshot.ts';
import { featureSchemaByDigest, featureSchemaById } from '../evidence/feature-schema.ts';
import {
  runtimeEnvironmentByDigest,
  runtimeEnvironmentById,
} from '../evidence/runtime-environment.ts';
import type { Context } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import { branded, referenced } from '../platform/immutable-cache.ts';
import { predictionByIdentity } from '../prediction/prediction-by-identity.ts';
import { identityKey, type PredictionLog, parseIdentityKey } from '../prediction/prediction-log.ts';
import { modelVersionByDigest, modelVersionById } from '../registry/model-version.ts';
import { deploymentById, deploymentByPublicId } from '../serving/deployment-history.ts';
import { newestBelief } from '../serving/deployment-type.ts';
import type { DeploymentBelief } from '../serving/timeline.ts';
import type { NodeKind, Vertex } from './lineage-walk.ts';

interface Row {
  readonly id: number;
}

interface RowLoader<Key> {
  readonly load: (key: Key) => Promise<Row | null>;
}

type RowKind = Exclude<NodeKind, 'DEPLOYMENT' | 'PREDICTION'>;

/** Where the objects of a kind are found: by row, and by the digest in their global ID. */
const LOADERS: {
  readonly [Kind in RowKind]: {
    readonly typeName: string;
    readonly byId: (database: Database) => RowLoader<number>;
    readonly byDigest: (database: Database) => RowLoader<string>;
  };
} = {
  CODE_COMMIT: { typeName: 'CodeCommit', byId: codeCommitById, byDigest: codeCommitByDigest },
  DATASET_SNAPSHOT: {
    typeName: 'DatasetSnapshot',
    byId: datasetSnapshotById,
    byDigest: datasetSnapshotByDigest,
  },
  FEATURE_SCHEMA: {
    typeName: 'FeatureSchema',
    byId: featureSchemaById,
    byDigest: featureSchemaByDigest,
  },
  RUNTIME_ENVIRONMENT: {
    typeName: 'RuntimeEnvironment',
    byId: runtimeEnvironmentById,
    byDigest: runtimeEnvironmentByDigest,
  },
  ARTIFACT: { typeName: 'Artifact', byId: artifactById, byDigest: artifactByDigest },
  MODEL_VERSION: {
    typeName: 'ModelVersion',
    byId: modelVersionById,
    byDigest: modelVersionByDigest,
  },
};

const ROW_KINDS = Object.keys(LOADERS) as readonly RowKind[];

const kindOfType = (typeName: string): RowKind | null =>
  ROW_KINDS.find((kind) => LOADERS[kind].typeName === typeName) ?? null;

/** The vertex of an object of the schema; `typeName` is its GraphQL type. */
export const vertexOf = (typeName: string, object: object): Vertex => {
  if (typeName === 'PredictionLog') {
    return { kind: 'PREDICTION', key: identityKey(object as PredictionLog) };
  }
  if (typeName === 'Deployment') {
    return { kind: 'DEPLOYMENT', key: String((object as DeploymentBelief).deployment.id) };
  }
  const kind = kindOfType(typeName);
  if (kind === null) throw new Error(`${typeName} is not part of the lineage graph.`);
  return { kind, key: String((object as Row).id) };
};

/** The object of a vertex that a walk reached. */
export const objectOf = async (context: Context, { kind, key }: Vertex): Promise<object> => {
  if (kind === 'PREDICTION') {
    const identity = referenced(parseIdentityKey(key));
    const found = referenced(await predictionByIdentity(context).load(identity));
    return branded('PredictionLog', found);
  }
  if (kind === 'DEPLOYMENT') {
    const [deployment] = await deploymentById(context).load(Number(key));
    return referenced(deployment === undefined ? null : newestBelief(deployment));
  }
  return referenced(await LOADERS[kind].byId(context.database).load(Number(key)));
};

/** A global ID as its type and key. */
export interface GlobalId {
  readonly typename: string;
  readonly id: string;
}

/** The vertex that a global ID names; null when there is none, or it is no part of the graph. */
export const findVertex = async (
  context: Context,
  { typename, id }: GlobalId,
): Promise<Vertex | null> => {
  if (typename === 'PredictionLog') {
    const identity = parseIdentityKey(id);
    const found = identity === null ? null : await predictionByIdentity(context).load(identity);
    return found === null ? null : vertexOf(typename, found);
  }
  if (typename === 'Deployment') {
    const [deployment] = await deploymentByPublicId(context).load(id);
    return deployment === undefined ? null : { kind: 'DEPLOYMENT', key: String(deployment.id) };
  }
  const kind = kindOfType(typename);
  const found = kind === null ? null : await LOADERS[kind].byDigest(context.database).load(id);
  return found === null ? null : vertexOf(typename, found);
};
