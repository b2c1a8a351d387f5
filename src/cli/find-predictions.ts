import type { Connection } from './connection.ts';
import { CommandError, EXIT } from './exit.ts';
import { commandDocument } from './ready-made.ts';

interface Found {
  readonly request: {
    readonly isTruncated: boolean;
    readonly predictions: readonly {
      readonly id: string;
      readonly item: number;
      readonly occurredAt: string;
      readonly endpoint: { readonly environment: string; readonly name: string };
    }[];
    readonly gaps: readonly { readonly reason: string; readonly message: string }[];
  };
}

/** Which predictions of a request are meant. */
export interface PredictionOptions {
  readonly endpoint?: string;
  readonly item?: string;
  readonly at?: string;
}

/** Global IDs of the predictions of a request that fit the options: at least one, or the command ends with 3. */
export const findPredictions = async (
  { ask }: Connection,
  requestId: string,
  options: PredictionOptions,
): Promise<{ readonly ids: readonly string[]; readonly isTruncated: boolean }> => {
  const { request } = await ask<Found>(await commandDocument('find-predictions'), { requestId });
  const wanted = request.predictions.filter(
    ({ item, occurredAt, endpoint }) =>
      (options.endpoint === undefined ||
        options.endpoint === `${endpoint.environment}/${endpoint.name}`) &&
      (options.item === undefined || String(item) === options.item) &&
      (options.at === undefined || Date.parse(options.at) === Date.parse(occurredAt)),
  );
  if (wanted.length === 0) throw notFound(requestId, request);
  return { ids: wanted.map(({ id }) => id), isTruncated: request.isTruncated };
};

const notFound = (requestId: string, { predictions, gaps }: Found['request']): CommandError => {
  const reasons = gaps.map(({ message }) => message).join(' ');
  return new CommandError(
    predictions.length > 0
      ? `Request ${requestId} has ${predictions.length} predictions, but none that fits the options.`
      : `Request ${requestId}: ${reasons}`,
    EXIT.notFound,
  );
};
