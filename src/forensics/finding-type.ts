import { SeverityEnum } from '../evidence/schema-compatibility-type.ts';
import { builder } from '../platform/builder.ts';
import type { EvidenceGap, Finding } from './finding.ts';

export const TraceVerdictEnum = builder.enumType('TraceVerdict', {
  description: 'Verdict on a trace.',
  values: {
    VERIFIED: { description: 'Every link is present and every digest verifies.' },
    INCOMPLETE: {
      description: 'Some evidence is missing or unproven; nothing contradicts.',
    },
    INCONSISTENT: {
      description: 'Evidence contradicts itself, such as a digest that does not match.',
    },
  } as const,
});

const TraceFindingCodeEnum = builder.enumType('TraceFindingCode', {
  description: 'Kinds of trace findings.',
  values: {
    DIGEST_MISMATCH: { description: 'A recomputed digest differs from the recorded one.' },
    CONFLICTING_RECORDS: {
      description: 'The same request ID arrived again with other content; every copy is kept.',
    },
    FEATURE_SCHEMA_MISMATCH: {
      description:
        'The features were built with another schema than the version was trained on: training-serving skew.',
    },
    DEPLOYMENT_MISMATCH: {
      description: 'The reported model version was not deployed on the endpoint at that time.',
    },
    STAGE_NOT_SERVABLE: {
      description: 'The version was not in a stage that allows serving in its role.',
    },
    REVOKED_SINCE: { description: 'The version was revoked after this prediction was made.' },
    FEATURE_MISSING: {
      description: 'A feature that the version requires had no value.',
    },
    FEATURE_TYPE_MISMATCH: {
      description:
        'A feature value does not fit the type, shape or categories that the version declares.',
    },
    FEATURE_UNDECLARED: { description: 'A feature is not declared in the schema of the version.' },
    FEATURE_STALE: {
      description:
        'A feature value was older than its declared maximum age when the model answered.',
    },
    SAMPLING_RATE_MISMATCH: {
      description:
        'The record states another sampling rate than was declared for its endpoint and moment, so estimates made from it may be wrong.',
    },
    SAMPLING_KEY_NOT_KEPT: {
      description:
        'The keyed sampling that was declared does not keep the key of this record: the service samples by another rule.',
    },
    DIRTY_COMMIT: { description: 'The training code had uncommitted changes.' },
    CLOCK_SKEW: {
      description: 'The serving clock was ahead of ours by more than 5 minutes.',
    },
  } as const,
});

export const TraceFindingRef = builder.objectRef<Finding>('TraceFinding').implement({
  description: 'One observation about a trace.',
  fields: (t) => ({
    code: t.field({
      type: TraceFindingCodeEnum,
      description: 'Machine-readable kind.',
      resolve: ({ code }) => code,
    }),
    severity: t.field({
      type: SeverityEnum,
      description: 'How much it matters.',
      resolve: ({ severity }) => severity,
    }),
    message: t.exposeString('message', { description: 'Explanation, in English.' }),
    subject: t.node({
      description: 'The object concerned, when there is one.',
      complexity: 5,
      id: ({ subject }) => (subject === null ? null : { type: subject.type, id: subject.key }),
    }),
  }),
});

const EvidenceGapReasonEnum = builder.enumType('EvidenceGapReason', {
  description: 'Why evidence is absent.',
  values: {
    NEVER_RECORDED: { description: 'Nothing ever recorded it.' },
    EXPIRED: { description: 'Retention removed it.' },
    REDACTED: { description: 'Hidden from this caller.' },
    ERASED: { description: 'Erased by request.' },
    SAMPLED_OUT: { description: 'Sampling left it out; the rate is known.' },
    REJECTED: { description: 'Received but refused; it waits among the rejected records.' },
  } as const,
});

export const EvidenceGapRef = builder.objectRef<EvidenceGap>('EvidenceGap').implement({
  description: 'Evidence that is absent, and why. Absence is stated, never an empty list.',
  fields: (t) => ({
    subject: t.exposeString('subject', { description: 'What is absent.' }),
    reason: t.field({
      type: EvidenceGapReasonEnum,
      description: 'Why.',
      resolve: ({ reason }) => reason,
    }),
    message: t.exposeString('message', { description: 'Explanation, in English.' }),
  }),
});
