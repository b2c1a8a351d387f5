import { formatInstant } from '../platform/instant.ts';
import { type Finding, listed } from './finding.ts';
import type { TraceEvidence } from './trace-evidence.ts';

/** How far the serving clock may be ahead of ours before it is a finding, in microseconds: 5 minutes. */
export const CLOCK_TOLERANCE = 300_000_000;

/** What the record itself says: its copies, its clock, its digest, and the commit behind its version. */
export const recordFindings = (evidence: TraceEvidence): readonly Finding[] => [
  ...conflicting(evidence),
  ...tampered(evidence),
  ...rewritten(evidence),
  ...dirty(evidence),
  ...skewed(evidence),
];

const conflicting = ({ prediction, predictionKey }: TraceEvidence): readonly Finding[] => {
  const { conflicts } = prediction.observations;
  if (conflicts.length === 0) return [];
  const times = conflicts.map(({ recordedAt }) => formatInstant(recordedAt)).join(', ');
  const copies = conflicts.length === 1 ? 'another record' : `${conflicts.length} other records`;
  return [
    {
      code: 'CONFLICTING_RECORDS',
      severity: 'ERROR',
      message: `${copies} with this identity and other content arrived (${times}). The first is traced here; every copy is kept under \`conflicts\`.`,
      subject: { type: 'PredictionLog', key: predictionKey },
    },
  ];
};

const tampered = ({
  prediction,
  predictionKey,
  recomputedDigest,
  version,
  manifestDigest: manifest,
  release,
}: TraceEvidence): readonly Finding[] => {
  const recorded =
    prediction.digest === null ? null : Buffer.from(prediction.digest).toString('hex');
  return [
    ...(recorded === null || recorded === recomputedDigest
      ? []
      : [
          mismatch('The stored prediction', recorded, recomputedDigest, {
            type: 'PredictionLog',
            key: predictionKey,
          }),
        ]),
    ...(version.digest === manifest
      ? []
      : [
          mismatch(`The manifest of ${release}`, version.digest, manifest, {
            type: 'ModelVersion',
            key: version.digest,
          }),
        ]),
  ];
};

/** Facts that were changed, taken out or put in between. Those at the end can be missed only by the ledger. */
const rewritten = ({
  altered: { transitions, deployments },
  version,
  release,
}: TraceEvidence): readonly Finding[] => [
  ...(transitions.length === 0
    ? []
    : [
        brokenChain(`the stages of ${release}`, transitions, {
          type: 'ModelVersion',
          key: version.digest,
        }),
      ]),
  ...deployments.map(({ deployment: { publicId }, facts }) =>
    brokenChain(`deployment ${publicId}`, facts, { type: 'Deployment', key: publicId }),
  ),
];

const brokenChain = (
  what: string,
  facts: readonly number[],
  subject: Finding['subject'],
): Finding => ({
  code: 'DIGEST_MISMATCH',
  severity: 'ERROR',
  message: `The history of ${what} was altered after it was recorded: fact ${listed(facts.map(String))} ${facts.length === 1 ? 'does' : 'do'} not fit the chain of digests.`,
  subject,
});

const mismatch = (
  what: string,
  recorded: string,
  computed: string,
  subject: Finding['subject'],
): Finding => ({
  code: 'DIGEST_MISMATCH',
  severity: 'ERROR',
  message: `${what} was altered after it was recorded: its digest was ${recorded}, its content now gives ${computed}.`,
  subject,
});

const dirty = ({ commit, release }: TraceEvidence): readonly Finding[] =>
  commit.isDirty
    ? [
        {
          code: 'DIRTY_COMMIT',
          severity: 'WARNING',
          message: `${release} was trained from ${commit.oid.slice(0, 12)} with uncommitted changes, so that commit does not reproduce it.`,
          subject: { type: 'CodeCommit', key: commit.digest },
        },
      ]
    : [];

const skewed = ({ prediction, predictionKey }: TraceEvidence): readonly Finding[] => {
  const ahead = prediction.occurredAt - prediction.recordedAt;
  return ahead <= CLOCK_TOLERANCE
    ? []
    : [
        {
          code: 'CLOCK_SKEW',
          severity: 'WARNING',
          message: `The record says ${formatInstant(prediction.occurredAt)}, ${Math.round(ahead / 1_000_000)} s after it was stored here: the serving clock is ahead.`,
          subject: { type: 'PredictionLog', key: predictionKey },
        },
      ];
};
