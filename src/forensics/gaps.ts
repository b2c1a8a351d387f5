import { formatInstant } from '../platform/instant.ts';
import { type EvidenceGap, listed } from './finding.ts';
import { hiddenGap, hiddenMembers } from './hidden-members.ts';
import type { TraceEvidence } from './trace-evidence.ts';

/** What should be part of a trace and is not, in a fixed order. */
export const gapsOf = (evidence: TraceEvidence): readonly EvidenceGap[] => [
  ...gapIf(
    evidence.deployment === null,
    'deployment',
    'NEVER_RECORDED',
    'No deployment of this version on this endpoint at that moment is on record.',
  ),
  ...gapIf(
    evidence.stage === null,
    'stageAtPrediction',
    'NEVER_RECORDED',
    'No lifecycle stage of this version is on record for that moment.',
  ),
  ...gapIf(
    !evidence.datasets.some(({ role }) => role === 'TRAINING'),
    'datasets',
    'NEVER_RECORDED',
    'The version was registered without a training snapshot.',
  ),
  ...gapIf(
    !hasStatistics(evidence),
    'features.baseline',
    'NEVER_RECORDED',
    'No training snapshot of the version carries statistics of these features, so values cannot be compared.',
  ),
  ...gapIf(
    evidence.artifacts.length === 0,
    'artifacts',
    'NEVER_RECORDED',
    'The version was registered without stored files, so it cannot be run again.',
  ),
  ...erased(evidence),
  ...gapIf(
    evidence.prediction.digest !== null &&
      evidence.prediction.score === null &&
      evidence.prediction.label === null &&
      evidence.prediction.output === null,
    'output',
    'NEVER_RECORDED',
    'The record holds neither score, label nor output.',
  ),
  ...redacted(evidence),
  ...rejected(evidence),
  ...gapIf(
    evidence.prediction.digest !== null && evidence.prediction.observations.outcomes.length === 0,
    'outcome',
    'NEVER_RECORDED',
    'No outcome has been recorded for this prediction.',
  ),
];

const gapIf = (
  isAbsent: boolean,
  subject: string,
  reason: EvidenceGap['reason'],
  message: string,
): readonly EvidenceGap[] => (isAbsent ? [{ subject, reason, message }] : []);

const hasStatistics = ({ readings, baselines }: TraceEvidence): boolean =>
  [...readings.keys()].some((name) => baselines.has(name));

const erased = ({ prediction: { observations } }: TraceEvidence): readonly EvidenceGap[] => {
  const { erasure } = observations;
  if (erasure === null) return [];
  const { actor, recordedAt, legalBasis } = erasure;
  const message = `Entity, values, output and outcomes were erased by ${actor} at ${formatInstant(recordedAt)} (${legalBasis}); the commitment to them remains.`;
  return gapIf(true, 'prediction', 'ERASED', message);
};

const redacted = ({
  prediction,
  readings,
  undeclaredNames,
  maySeeSensitive,
}: TraceEvidence): readonly EvidenceGap[] => {
  if (maySeeSensitive) return [];
  const declared = [...readings.values()].filter(({ field }) => field.isSensitive);
  const names = [...declared.map(({ field }) => field.name), ...undeclaredNames];
  return [
    ...gapIf(
      names.length > 0,
      'features',
      'REDACTED',
      `The values of ${listed(names)} are hidden: they need the scope features:sensitive.`,
    ),
    ...hiddenMembers(prediction).map(hiddenGap),
  ];
};

const rejected = ({ prediction, maySeeSensitive }: TraceEvidence): readonly EvidenceGap[] =>
  prediction.observations.refused.map(({ code, message }) => ({
    subject: 'request',
    reason: 'REJECTED',
    message: `A record of this request waits among the rejected ones (${code})${maySeeSensitive ? `: ${message}` : '.'}`,
  }));
