import { FeatureSchemaRef, featureSchemaById } from '../evidence/feature-schema.ts';
import { FeatureSchemaDiffRef } from '../evidence/feature-schema-diff.ts';
import { argumentError } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { needs } from '../platform/needs.ts';
import {
  findModelVersion,
  ModelVersionRef,
  ModelVersionReferenceInput,
} from '../registry/model-version.ts';
import { EndpointRef } from '../serving/endpoint.ts';
import { type ReplaySummary, replaySummary } from './replay-summary.ts';
import { DecisionInput, ReplaySummaryRef } from './replay-summary-type.ts';
import { checkRollback, DEFAULT_LAST, type RollbackEvidence } from './rollback-check.ts';
import { checkDryRun, type RollbackCheckItem, worstOf } from './rollback-rules.ts';
import { lastPredictions, type SentSchema } from './sent-features.ts';

const MAX_LAST = 2000;

const VerdictEnum = builder.enumType('RollbackVerdict', {
  description: 'Verdict on a rollback.',
  values: {
    SAFE: { description: 'Every check passed.' },
    NEEDS_REVIEW: { description: 'Possible, with differences that a person should accept.' },
    BLOCKED: {
      description: 'Would break callers, misread their features, or serve what must not be served.',
    },
  } as const,
});

const CodeEnum = builder.enumType('RollbackCheckCode', {
  description: 'What a rollback check looks at.',
  values: {
    STAGE_ALLOWS_SERVING: { description: "The target's stage allows it to serve as PRIMARY." },
    FEATURE_SCHEMA_COMPATIBLE: {
      description:
        'The features that the endpoint sends now, as the log shows, satisfy the schema that the target expects and mean the same there.',
    },
    ENVIRONMENT_COMPATIBLE: {
      description: "The target's environment is the one that serves now, or lacks nothing of it.",
    },
    ARTIFACTS_AVAILABLE: {
      description: "The target's files are in the store, and their digests verify.",
    },
    INTEGRITY: { description: 'Everything on record of the target gives its digests.' },
    SERVED_BEFORE: { description: 'The target served this endpoint before.' },
    DRY_RUN: { description: 'The last predictions, answered by the target.' },
  } as const,
});

const ItemRef = builder.objectRef<RollbackCheckItem>('RollbackCheckItem').implement({
  description: 'One rollback check.',
  fields: (t) => ({
    code: t.field({
      type: CodeEnum,
      description: 'What was checked.',
      resolve: ({ code }) => code,
    }),
    verdict: t.field({
      type: VerdictEnum,
      description: 'Result of this check.',
      resolve: ({ verdict }) => verdict,
    }),
    message: t.exposeString('message', { description: 'Explanation, in English.' }),
  }),
});

const SentSchemaRef = builder
  .objectRef<SentSchema & { readonly evidence: RollbackEvidence }>('SentSchema')
  .implement({
    description: "A schema that the endpoint's pipeline built features with, as the log shows.",
    fields: (t) => ({
      featureSchema: t.field({
        type: FeatureSchemaRef,
        description: 'The schema.',
        resolve: ({ schema }) => schema,
      }),
      predictionCount: t.exposeInt('count', { description: 'Of the predictions looked at.' }),
      lastAt: t.expose('lastAt', { type: 'DateTime', description: 'Last of them.' }),
      diff: t.field({
        type: FeatureSchemaDiffRef,
        description: 'From this schema to the one that the target expects.',
        resolve: async ({ schema, evidence }, _, { database }) => ({
          base: schema,
          head: referenced(await featureSchemaById(database).load(evidence.target.featureSchemaId)),
        }),
      }),
    }),
  });

const RollbackCheckRef = builder
  .objectRef<RollbackEvidence & { readonly run: ReplaySummary }>('RollbackCheck')
  .implement({
    extensions: needs('predictions:read', 'registry:read'),
    description: 'Whether a version may take an endpoint over again, and why.',
    fields: (t) => ({
      dryRun: t.field({
        type: ReplaySummaryRef,
        description: 'The last predictions, answered by the target.',
        resolve: ({ run }) => run,
      }),
      verdict: t.field({
        type: VerdictEnum,
        description: 'The worst of the checks.',
        resolve: ({ checks }) => worstOf(checks.map(({ verdict }) => verdict)),
      }),
      endpoint: t.field({
        type: EndpointRef,
        description: 'The endpoint.',
        resolve: ({ endpoint }) => endpoint,
      }),
      target: t.field({
        type: ModelVersionRef,
        description: 'The version that would take over.',
        resolve: ({ target }) => target,
      }),
      at: t.expose('at', { type: 'DateTime', description: 'When it would.' }),
      checks: t.field({
        type: [ItemRef],
        description: 'Each check made, in a fixed order.',
        resolve: ({ checks }) => [...checks],
      }),
      sent: t.field({
        type: [SentSchemaRef],
        description: 'What the endpoint sends, the most recent first.',
        resolve: (evidence) => evidence.sent.map((one) => ({ ...one, evidence })),
      }),
    }),
  });

builder.objectField(EndpointRef, 'rollbackCheck', (t) =>
  t.field({
    type: RollbackCheckRef,
    nullable: true,
    description:
      'May this endpoint go back to a version? Holds what the version needs against what the endpoint sends, as the log shows. Null when there is no such version.',
    complexity: 50,
    args: {
      to: t.arg({
        type: ModelVersionReferenceInput,
        required: true,
        description: 'Version to go back to.',
      }),
      at: t.arg({
        type: 'DateTime',
        description: 'When it would take over: only earlier predictions count; now when omitted.',
      }),
      last: t.arg.int({
        required: true,
        defaultValue: DEFAULT_LAST,
        description: `How many of the last predictions to look at, and to run through the target: 1 to ${MAX_LAST}.`,
      }),
      decision: t.arg({
        type: DecisionInput,
        description: 'How labels follow from scores, to see which ones flip.',
      }),
    },
    resolve: async (endpoint, { to, at, last, decision }, context) => {
      if (last < 1 || last > MAX_LAST) {
        throw argumentError({ path: ['last'], message: `${last}; give 1 to ${MAX_LAST}.` });
      }
      const target = await findModelVersion(context.database, to);
      if (target === null) return null;
      const when = at ?? Date.now() * 1000;
      const [evidence, recent] = await Promise.all([
        checkRollback(context, endpoint, target, when, last),
        lastPredictions(context.database, endpoint.id, when, last),
      ]);
      const run = await replaySummary(context, target, recent, decision ?? null, {
        acceptOtherMeanings: true,
        runner: 'LOCAL',
      });
      return { ...evidence, run, checks: [...evidence.checks, checkDryRun(run)] };
    },
  }),
);
