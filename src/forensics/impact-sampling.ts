import type { Context } from '../platform/context.ts';
import { totalOf } from '../prediction/count-estimate.ts';
import { type EvidenceGap, listed } from './finding.ts';
import type { Impact } from './impact.ts';
import { deploymentsDuring } from './impact-endpoints.ts';
import { samplingOnEndpoint, samplingsOf } from './sampling-gaps.ts';

/** Says of an impact that services logged a part of it: by their own rates, or by what was declared. One statement. */
export const impactSamplingGaps = async (
  context: Context,
  impact: Impact,
): Promise<readonly EvidenceGap[]> => {
  const { spans, window } = impact;
  const endpointIds = new Set([
    ...deploymentsDuring(impact).map(({ deployment }) => deployment.endpointId),
    ...spans.map(({ endpointId }) => endpointId),
  ]);
  const declared = await samplingsOf(context, [...endpointIds], window.from, window.to);
  const { count, estimated, variance } = totalOf(spans);
  if (variance === 0 && declared.length === 0) return [];
  const described = await Promise.all(
    declared.map((sampling) => samplingOnEndpoint(context.database, sampling)),
  );
  const error = Math.ceil(Math.sqrt(variance));
  const known = described.length === 0 ? 'nothing' : listed(described);
  const message = `Services logged a part of the affected predictions: ${count} are recorded and stand for about ${Math.round(estimated)}, with a standard error of at least ${error}. Declared was ${known}. What was left out is in no list, nor is an entity of which nothing was kept.`;
  return [{ subject: 'predictions', reason: 'SAMPLED_OUT', message }];
};
