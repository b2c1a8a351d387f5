import { digestOf } from '../platform/canonical-json.ts';
import type { Context } from '../platform/context.ts';
import type { Instant } from '../platform/instant.ts';
import { lexical } from '../prediction/feature-lexical.ts';
import { digestText, type PredictionLog } from '../prediction/prediction-log.ts';
import { featureFindings } from './feature-findings.ts';
import { type EvidenceGap, type Finding, inOrder, type Verdict, verdictOf } from './finding.ts';
import { gapsOf } from './gaps.ts';
import { recordFindings } from './record-findings.ts';
import { samplingFindings } from './sampling-findings.ts';
import { servingFindings } from './serving-findings.ts';
import { gatherEvidence, type TraceEvidence } from './trace-evidence.ts';

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
  { prediction, version, builtWith, stage, deployment }: TraceEvidence,
  findings: readonly Finding[],
  gaps: readonly EvidenceGap[],
  verdict: Verdict,
): string =>
  digestOf({
    prediction: digestText(prediction),
    modelVersion: version.digest,
    featureSchema: builtWith.digest,
    stage,
    deployment: deployment?.digest ?? null,
    outcomes: prediction.observations.outcomes.map(({ label, value, observedAt }) => ({
      label,
      value: value === null ? null : lexical('FP64', value),
      observedAt,
    })),
    conflicts: prediction.observations.conflicts.map(({ digest }) => digest),
    findings: findings.map(({ code, severity, message }) => ({ code, severity, message })),
    gaps: gaps.map(({ subject, reason, message }) => ({ subject, reason, message })),
    verdict,
  });

/** Later than every fact: without a `knownAt` nothing is left out, whatever the clocks of process and database say. */
const EVERYTHING = Number.MAX_SAFE_INTEGER;

/** Traces a prediction as known at an instant, or now; null when the prediction itself was not known then. */
export const traceOf = async (
  context: Context,
  prediction: PredictionLog,
  knownAt: Instant | null,
): Promise<Trace | null> => {
  const known = knownAt ?? EVERYTHING;
  if (prediction.recordedAt > known) return null;
  const evidence = await gatherEvidence(context, prediction, known);
  return { ...judge(evidence), knownAt: knownAt ?? Date.now() * 1000 };
};
