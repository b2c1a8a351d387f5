import type { Context } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import type { Instant } from '../platform/instant.ts';
import type { PredictionLog } from '../prediction/prediction-log.ts';
import { endpointById, routeOf } from '../serving/endpoint.ts';
import { describeSampling, type KnownKeys, keeps } from '../serving/sampling.ts';
import { type SamplingUsed, samplingDuring } from '../serving/sampling-history.ts';
import { type EvidenceGap, listed } from './finding.ts';
import { sampledKeys } from './sampling-findings.ts';

/** Most samplings that one request is held against. */
const MAX_SAMPLINGS = 100;

/** Says where what is absent may have been left out, and where its key is known, that it was. */
const explained = async (
  database: Database,
  sampling: Pick<SamplingUsed, 'endpointId' | 'rule' | 'key' | 'rate'>,
  keys: KnownKeys,
): Promise<string | null> => {
  const isKept = keeps(sampling, keys);
  if (isKept === true) return null;
  const endpoint = await endpointById(database).load(sampling.endpointId);
  const where = endpoint === null ? 'an endpoint' : routeOf(endpoint);
  const verdict = isKept === null ? 'may have left it out' : 'does not keep its key';
  return `${describeSampling(sampling)} on ${where} ${verdict}`;
};

/** Where sampling may have left out what is absent; null where it cannot have. */
const sampledOut = async (
  database: Database,
  samplings: readonly SamplingUsed[],
  keys: KnownKeys,
): Promise<string | null> => {
  const found = await Promise.all(samplings.map((one) => explained(database, one, keys)));
  const reasons = found.filter((reason) => reason !== null);
  return reasons.length === 0 ? null : `The sampling ${listed(reasons, 5)}.`;
};

/** A gap that sampling may explain: then it cannot be said that nothing recorded it. */
export const gapUnlessSampledOut = async (
  database: Database,
  subject: string,
  message: string,
  samplings: readonly SamplingUsed[],
  keys: KnownKeys,
): Promise<EvidenceGap> => {
  const reason = await sampledOut(database, samplings, keys);
  return reason === null
    ? { subject, reason: 'NEVER_RECORDED', message }
    : { subject, reason: 'SAMPLED_OUT', message: `${message} ${reason}` };
};

/** The same for what should be there beside a recorded prediction of the endpoint. `keys` are those that both share. */
export const gapBeside = (
  database: Database,
  subject: string,
  message: string,
  sibling: PredictionLog,
  shared: readonly (keyof KnownKeys)[],
): Promise<EvidenceGap> => {
  const { sampling } = sibling.observations;
  const known = Object.entries(sampledKeys(sibling)).filter(([key]) =>
    shared.some((one) => one === key),
  );
  const samplings = sampling === null ? [] : [sampling];
  return gapUnlessSampledOut(database, subject, message, samplings, Object.fromEntries(known));
};

/** How endpoints (all where null) sampled in a window. */
export const samplingsOf = (
  { database }: Context,
  endpointIds: readonly number[] | null,
  from: Instant | null,
  to: Instant | null,
): Promise<readonly SamplingUsed[]> =>
  samplingDuring(database, endpointIds, from, to, MAX_SAMPLINGS);
