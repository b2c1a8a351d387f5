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

/** `sampling by entity key at rate 0.1 on production/payments`. */
export const samplingOnEndpoint = async (
  database: Database,
  sampling: SamplingUsed,
): Promise<string> => {
  const endpoint = await endpointById(database).load(sampling.endpointId);
  const where = endpoint === null ? 'an endpoint' : routeOf(endpoint);
  return `${describeSampling(sampling)} on ${where}`;
};

/** Which samplings do not keep what is absent, and which may not have; null when all of them keep it. */
const sampledOut = async (
  database: Database,
  samplings: readonly SamplingUsed[],
  keys: KnownKeys,
): Promise<string | null> => {
  const described = (isKept: boolean | null): Promise<readonly string[]> =>
    Promise.all(
      samplings
        .filter((one) => keeps(one, keys) === isKept)
        .map((one) => samplingOnEndpoint(database, one)),
    );
  const [out, open] = [await described(false), await described(null)];
  const reasons = [
    ...(out.length === 0 ? [] : [`Its key is not kept by ${listed(out)}.`]),
    ...(open.length === 0 ? [] : [`It may have been left out by ${listed(open)}.`]),
  ];
  return reasons.length === 0 ? null : reasons.join(' ');
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
