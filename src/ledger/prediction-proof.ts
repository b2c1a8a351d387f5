import type { Context } from '../platform/context.ts';
import type { PredictionLog } from '../prediction/prediction-log.ts';
import { type LedgerProof, proveLeaf } from './ledger-proof.ts';
import { batchById, type StoredCheckpoint } from './ledger-store.ts';
import { commitmentOf, type Hash } from './merkle-hash.ts';

/** The leaf of a prediction: from its content, or as it was noted when that was erased. */
const leafOf = async ({ database }: Context, prediction: PredictionLog): Promise<Hash | null> => {
  const { salt, digest, requestId, endpointId, item, batchId } = prediction;
  if (salt !== null && digest !== null) return commitmentOf(salt, digest);
  const [erased] = await database.query<{ commitment: Hash }>({
    name: 'erased_commitment',
    text: `SELECT commitment FROM erased_record WHERE request_id = $1 AND endpoint_id = $2 AND item = $3
      AND batch_id = $4::text::bigint LIMIT 1`,
    values: [requestId, endpointId, item, String(batchId)],
  });
  return erased?.commitment ?? null;
};

/** Proves that a prediction is in the ledger; null while it is not sealed, and when its row was altered. */
export const provePrediction = async (
  context: Context,
  prediction: PredictionLog,
  under: StoredCheckpoint | null = null,
): Promise<LedgerProof | null> => {
  const leaf = await leafOf(context, prediction);
  const batch = await batchById(context.database, prediction.batchId);
  return leaf === null || batch === null ? null : proveLeaf(context.database, batch, leaf, under);
};
