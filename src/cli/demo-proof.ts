import { checkDossier } from '../ledger/dossier-check.ts';
import type { Connection } from './connection.ts';
import { runOperation } from './ready-made.ts';

const SEAL = 'mutation Seal { sealLedger { ... on UserError { message } } }';

interface Proven {
  readonly predictionLog: {
    readonly proof: {
      readonly index: number;
      readonly position: number;
      readonly batchSize: number;
      readonly checkpoint: { readonly size: number };
    } | null;
  };
  readonly dossier: { readonly envelope: string };
}

/** Where the prediction is in the ledger, and whether its dossier holds without the server. */
export const proven = async (connection: Connection): Promise<string> => {
  await connection.ask(SEAL);
  const { predictionLog, dossier } = await runOperation<Proven>(connection, 'prove');
  const { proof } = predictionLog;
  if (proof === null) return 'The ledger does not have this prediction as it is stored now.';
  const { statement, problems } = checkDossier(dossier.envelope, null);
  const { manifests = [], rows = [] } = statement?.predicate ?? {};
  const verdict =
    problems.length === 0 ? 'holds without this server' : `does not hold: ${problems.join('; ')}`;
  return `The record is leaf ${proof.position + 1} of ${proof.batchSize.toLocaleString('en')} in entry ${proof.index + 1} of the ledger, under a root that was signed over ${proof.checkpoint.size} entries. Its dossier, ${Math.ceil(dossier.envelope.length / 1024)} KiB with ${manifests.length} manifests and ${rows.length} rows of history, ${verdict}.`;
};
