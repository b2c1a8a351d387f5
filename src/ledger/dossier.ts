import { GraphQLError } from 'graphql';
import { featureSchemaById } from '../evidence/feature-schema.ts';
import type { Context } from '../platform/context.ts';
import { type DsseEnvelope, signEnvelope } from '../platform/dsse.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { formatInstant } from '../platform/instant.ts';
import type { Signer } from '../platform/signed-note.ts';
import { predictionText } from '../prediction/prediction-digest.ts';
import type { PredictionLog } from '../prediction/prediction-log.ts';
import { lifecycleOf } from '../registry/lifecycle-history.ts';
import { modelVersionById } from '../registry/model-version.ts';
import { deploymentsOf } from '../serving/deployment-history.ts';
import { endpointById, routeOf } from '../serving/endpoint.ts';
import {
  type DossierProof,
  type DossierStatement,
  PAYLOAD_TYPE,
  PREDICATE_TYPE,
  STATEMENT_TYPE,
} from './dossier-format.ts';
import { manifestsOf } from './dossier-manifests.ts';
import type { LedgerProof } from './ledger-proof.ts';
import { hashText } from './ledger-proof-type.ts';
import { latestCheckpoint, type StoredCheckpoint, signingKeys } from './ledger-store.ts';
import { provePrediction } from './prediction-proof.ts';
import { proveRows } from './row-proof.ts';
import { sealLedger } from './seal.ts';

const refusal = (code: string, message: string): GraphQLError =>
  new GraphQLError(message, { extensions: { code } });

const proofText = ({
  checkpoint: _,
  leaf,
  batchPath,
  path,
  ...rest
}: LedgerProof): DossierProof => ({
  ...rest,
  leaf: hashText(leaf),
  batchPath: batchPath.map(hashText),
  path: path.map(hashText),
});

/** Values cannot be hidden in a text that a digest covers. */
const refuseHidden = async ({ database, actor }: Context, prediction: PredictionLog) => {
  if (actor.scopes.has('features:sensitive')) return;
  const schema = referenced(await featureSchemaById(database).load(prediction.featureSchemaId));
  if (prediction.digest === null || !schema.fields.some(({ isSensitive }) => isSensitive)) return;
  throw refusal(
    'FORBIDDEN',
    'A dossier holds every value, some of which are sensitive: it needs the scope features:sensitive.',
  );
};

const recordText = async (
  { database }: Context,
  prediction: PredictionLog,
): Promise<string | null> => {
  if (prediction.digest === null) return null;
  const [endpoint, version, schema] = await Promise.all([
    endpointById(database).load(prediction.endpointId),
    modelVersionById(database).load(prediction.modelVersionId),
    featureSchemaById(database).load(prediction.featureSchemaId),
  ]);
  return predictionText(prediction, {
    endpoint: routeOf(referenced(endpoint)),
    modelVersion: referenced(version).digest,
    featureSchema: referenced(schema).digest,
  });
};

/**
 * Rows that say how the version came to answer: its registration, its stages, where it was deployed; the sampling that was
 * declared; and an erasure.
 */
const rowsOf = async (context: Context, prediction: PredictionLog, under: StoredCheckpoint) => {
  const { database } = context;
  const { modelVersionId, endpointId, observations } = prediction;
  const transitions = await lifecycleOf(context).load(modelVersionId);
  const deployments = (await deploymentsOf(context).load(endpointId)).filter(
    (deployment) => deployment.modelVersionId === modelVersionId,
  );
  const keys: readonly (readonly [string, readonly (readonly number[])[]])[] = [
    ['model_version', [[modelVersionId]]],
    ['endpoint', [[endpointId]]],
    ['lifecycle_transition', transitions.map(({ sequence }) => [modelVersionId, sequence])],
    ['deployment', deployments.map(({ id }) => [id])],
    [
      'deployment_fact',
      deployments.flatMap(({ id, facts }) => facts.map(({ sequence }) => [id, sequence])),
    ],
    [
      'sampling_fact',
      observations.sampling === null ? [] : [[endpointId, observations.sampling.sequence]],
    ],
    ['erasure', observations.erasure === null ? [] : [[observations.erasure.id]]],
  ];
  const proven = await Promise.all(
    keys
      .filter(([, rows]) => rows.length > 0)
      .map(([source, rows]) => proveRows(database, source, rows, under)),
  );
  return proven.flat().flatMap(({ proof, ...row }) =>
    // A row that was altered cannot be proven: it is left out, and the trace's findings tell of it.
    proof === null ? [] : [{ ...row, proof: proofText(proof) }],
  );
};

const statementOf = async (
  context: Context,
  prediction: PredictionLog,
  trace: unknown,
): Promise<DossierStatement> => {
  const { database } = context;
  const checkpoint = await latestCheckpoint(database);
  const proof = checkpoint === null ? null : await provePrediction(context, prediction, checkpoint);
  if (checkpoint === null || proof === null) {
    throw refusal(
      'NOT_PROVABLE',
      'The ledger does not have this prediction as it is stored now: its row was altered. `hindcast verify` tells more.',
    );
  }
  const text = await recordText(context, prediction);
  const { requestId, item, occurredAt, salt, digest } = prediction;
  const endpoint = referenced(await endpointById(database).load(prediction.endpointId));
  return {
    _type: STATEMENT_TYPE,
    subject: [
      {
        name: JSON.stringify([requestId, formatInstant(occurredAt), routeOf(endpoint), item]),
        // What was erased has no digest of its content; its leaf stands for it.
        digest: { sha256: Buffer.from(digest ?? proof.leaf).toString('hex') },
      },
    ],
    predicateType: PREDICATE_TYPE,
    predicate: {
      createdAt: new Date().toISOString(),
      record: {
        text,
        salt: salt === null ? null : Buffer.from(salt).toString('base64'),
        proof: proofText(proof),
      },
      manifests: [...(await manifestsOf(database, prediction))],
      rows: await rowsOf(context, prediction, checkpoint),
      checkpoint: checkpoint.note,
      verifierKeys: (await signingKeys(database)).map(({ text: key }) => key),
      trace,
    },
  };
};

/** Seals what is pending, and signs all that proves a prediction. */
export const dossierOf = async (
  context: Context,
  prediction: PredictionLog,
  trace: unknown,
): Promise<DsseEnvelope> => {
  await refuseHidden(context, prediction);
  const signer: Signer | null = context.signer;
  if (signer === null) {
    throw refusal('SIGNING_UNAVAILABLE', 'This server was started without a key to sign with.');
  }
  await sealLedger(context.database, signer);
  const statement = await statementOf(context, prediction, trace);
  return signEnvelope(PAYLOAD_TYPE, Buffer.from(JSON.stringify(statement)), signer);
};
