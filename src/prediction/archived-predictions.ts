import { GraphQLError } from 'graphql';
import type { Context } from '../platform/context.ts';
import {
  type ArchivedQuery,
  findArchived,
  type UnreadArchive,
  unreadText,
} from './archive-search.ts';
import type { PredictionIdentity, PredictionLog } from './prediction-log.ts';

/** A question whose answer may be in an archive that cannot be read has none: null would say that there is none. */
const refuseUnread = (unread: readonly UnreadArchive[]): void => {
  const [first] = unread;
  if (first === undefined) return;
  throw new GraphQLError(`It may have expired. ${unreadText(first)}`, {
    extensions: { code: 'EVIDENCE_EXPIRED' },
  });
};

/** Archived predictions of one item of a request; refuses when an archive that may hold them cannot be read. */
export const archivedOfRequest = async (
  context: Context,
  query: ArchivedQuery,
): Promise<readonly PredictionLog[]> => {
  const { predictions, unread } = await findArchived(context, query, 11);
  if (predictions.length === 0) refuseUnread(unread);
  return [...predictions].sort((one, other) => one.occurredAt - other.occurredAt);
};

/** The archived prediction of an identity; null when there is none. */
export const archivedPrediction = async (
  context: Context,
  { requestId, occurredAt, endpointId, item }: PredictionIdentity,
): Promise<PredictionLog | null> => {
  const at = { from: occurredAt, to: occurredAt + 1 };
  const [found] = await archivedOfRequest(context, { requestId, endpointId, item, ...at });
  return found ?? null;
};
