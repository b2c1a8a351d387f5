import { digestOfBytes } from '../platform/canonical-json.ts';
import type { Context } from '../platform/context.ts';
import { END_OF_TIME, type Instant } from '../platform/instant.ts';
import { lexical } from '../prediction/feature-lexical.ts';
import { digestText, type PredictionLog } from '../prediction/prediction-log.ts';
import { featureFindings } from './feature-findings.ts';
import { type EvidenceGap, type Finding, inOrder, type Verdict, verdictOf } from './finding.ts';
import { gapsOf } from './gaps.ts';
import { recordFindings } from './record-findings.ts';
import { samplingFindings } from './sampling-findings.ts';
import { servingFindings } from './serving-findings.ts';
import { gatherEvidence, type TraceEvidence } from './trace-evidence.ts';
import { historiesOf, type ServingHistories } from './traced-prediction.ts';

/** The provenance of one prediction, judged. */
export interface Trace {
  readonly evidence: TraceEvidence;
  readonly findings: readonly Finding[];
  readonly gaps: readonly EvidenceGap[];
  readonly verdict: Verdict;
  readonly digest: string;
  /** Record time answered for. */
  readonly knownAt: Instant;
}

/** Judges the evidence: what contradicts, what is absent, and what follows. Pure. */
export const judge = (evidence: TraceEvidence): Omit<Trace, 'knownAt'> => {
  const findings = inOrder([
    ...featureFindings(evidence),
    ...servingFindings(evidence),
    ...recordFindings(evidence),
    ...samplingFindings(evidence),
  ]);
  const gaps = gapsOf(evidence);
  const verdict = verdictOf(findings, gaps);
  return {
    evidence,
    findings,
    gaps,
    verdict,
    digest: traceDigest(evidence, findings, gaps, verdict),
  };
};

/** Covers what the trace says, not when it was asked. */
const traceDigest = (
  {
    prediction,
    version,
    builtWith,
    stage,
    deployment,
    maySeeRecord,
    maySeeSensitive,
  }: TraceEvidence,
  findings: readonly Finding[],
  gaps: readonly EvidenceGap[],
  verdict: Verdict,
): string =>
  digestOfBytes(
    // RFC 8785: of well-formed strings, nulls and safe integers JSON.stringify writes it when names are in order.
    JSON.stringify({
      conflicts: maySeeSensitive
        ? prediction.observations.conflicts.map(({ digest }) => digest)
        : [],
      deployment: deployment?.digest ?? null,
      featureSchema: builtWith.digest,
      findings: findings.map(({ code, message, severity }) => ({ code, message, severity })),
      gaps: gaps.map(({ message, reason, subject }) => ({ message, reason, subject })),
      modelVersion: version.digest,
      outcomes: prediction.observations.outcomes.map(({ label, observedAt, value }) => ({
        label,
        observedAt,
        value: value === null ? null : lexical('FP64', value),
      })),
      // Who could guess hidden values by it gets a digest of what is shown.
      prediction: maySeeRecord ? digestText(prediction) : null,
      stage,
      verdict,
    }),
  );

/** Traces a prediction as known at an instant, or now; null when the prediction itself was not known then. */
export const traceOf = async (
  context: Context,
  prediction: PredictionLog,
  knownAt: Instant | null,
  given?: ServingHistories,
): Promise<Trace | null> => {
  const known = knownAt ?? END_OF_TIME;
  if (prediction.recordedAt > known) return null;
  const histories = given ?? (await historiesOf(context, prediction));
  const evidence = await gatherEvidence(context, prediction, histories, known);
  return { ...judge(evidence), knownAt: knownAt ?? Date.now() * 1000 };
};
