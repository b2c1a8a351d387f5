import type { PredictionLog } from '../prediction/prediction-log.ts';
import type { EvidenceGap } from './finding.ts';

const HIDDEN = {
  entityKey: 'What the prediction was about is hidden',
  output: 'The whole output is hidden',
  conflicts: 'The text of the records that contradict is hidden',
} as const;

type HiddenMember = keyof typeof HIDDEN;

/** What a record holds beside its features that only who has `features:sensitive` may see. */
export const hiddenMembers = ({
  entityKey,
  output,
  observations,
}: PredictionLog): readonly HiddenMember[] => [
  ...(entityKey === null ? [] : (['entityKey'] as const)),
  ...(output === null ? [] : (['output'] as const)),
  ...(observations.conflicts.length === 0 ? [] : (['conflicts'] as const)),
];

export const hiddenGap = (subject: HiddenMember): EvidenceGap => ({
  subject,
  reason: 'REDACTED',
  message: `${HIDDEN[subject]}: it needs the scope features:sensitive.`,
});
