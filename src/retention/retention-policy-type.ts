import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { assertNoIssues, InvalidInputError } from '../platform/errors.ts';
import { collectIssues, type Issues } from '../platform/issues.ts';
import { connectionType, pageArguments, pageCost, pageOfList } from '../platform/pagination.ts';
import { modelIdOf } from '../registry/named-in-filter.ts';
import { policiesInForce, type RetentionPolicy } from './retention-policy.ts';

/** Longest retention: a century. */
const MAX_DAYS = 36_500;
export const MAX_REASON = 2000;

/** Notes a reason that is empty, too long or cannot be stored. */
export const checkReason = (reason: string, issues: Issues): void => {
  if (reason.trim() === '') {
    issues.add(['input', 'reason'], `reason is empty; give 1 to ${MAX_REASON} characters.`);
  } else issues.text(['input', 'reason'], reason, MAX_REASON);
};

const RetentionPolicyRef = builder.objectRef<RetentionPolicy>('RetentionPolicy').implement({
  description:
    'How long predictions stay in the log. Models share the weekly partitions of the log: one is archived and dropped once every model in it is past its retention and no legal hold covers any of it.',
  fields: (t) => ({
    model: t.exposeString('modelName', {
      nullable: true,
      description: 'The model; null for all models without a policy of their own.',
    }),
    keepDays: t.exposeInt('keepDays', {
      description: 'Days that a week stays in the log after it ended.',
    }),
    reason: t.exposeString('reason', { description: 'Why, in words.' }),
    actor: t.exposeString('actor', { description: 'Who set it.' }),
    recordedAt: t.expose('recordedAt', { type: 'DateTime', description: 'When it was set.' }),
  }),
});

const RetentionPolicyConnection = connectionType(
  RetentionPolicyRef,
  'RetentionPolicy',
  'retention policies',
);

builder.queryField('retentionPolicies', (t) =>
  t.field({
    type: RetentionPolicyConnection,
    nullable: true,
    description:
      'The retention policies in force: the one for all models first, then by model. Without any, predictions stay in the log for ever.',
    complexity: pageCost,
    args: pageArguments,
    resolve: async (_, args, { database }) =>
      pageOfList(args, await policiesInForce(database), ({ id }) => [String(id)]),
  }),
);

const SetRetentionPolicyInput = builder.inputType('SetRetentionPolicyInput', {
  description: 'How long predictions are to stay in the log.',
  fields: (t) => ({
    model: t.string({
      description: 'Name of a model; left out, for all models without a policy of their own.',
    }),
    keepDays: t.int({
      description: `Days after the end of a week: 1 to ${MAX_DAYS}. Left out, the policy is released: a model falls back to the one for all, and without that predictions stay for ever.`,
    }),
    reason: t.string({
      required: true,
      description: `Why, in words: 1 to ${MAX_REASON} characters.`,
    }),
  }),
});

type SetInput = typeof SetRetentionPolicyInput.$inferInput;

interface Payload {
  readonly policies: readonly RetentionPolicy[];
}

const SetRetentionPolicyPayload = builder
  .objectRef<Payload>('SetRetentionPolicyPayload')
  .implement({
    description: 'A recorded policy.',
    fields: (t) => ({
      policies: t.field({
        type: RetentionPolicyConnection,
        description: 'All policies that are now in force.',
        complexity: pageCost,
        args: pageArguments,
        resolve: ({ policies }, args) => pageOfList(args, policies, ({ id }) => [String(id)]),
      }),
    }),
  });

/** Records a policy, or the release of one. */
export const setRetentionPolicy = async (
  { database, actor }: Context,
  { model, keepDays, reason }: SetInput,
): Promise<Payload> => {
  const issues = collectIssues();
  checkReason(reason, issues);
  if (keepDays != null && (keepDays < 1 || keepDays > MAX_DAYS)) {
    issues.add(['input', 'keepDays'], `keepDays is ${keepDays}; give 1 to ${MAX_DAYS}.`);
  }
  const modelId = await modelIdOf(database, model, ['input', 'model'], issues);
  assertNoIssues(issues.list);
  await database.query({
    text: `INSERT INTO retention_policy (model_id, keep_days, reason, actor) VALUES ($1, $2, $3, $4)`,
    values: [modelId, keepDays ?? null, reason, actor.name],
  });
  return { policies: await policiesInForce(database) };
};

builder.mutationField('setRetentionPolicy', (t) =>
  t.field({
    type: SetRetentionPolicyPayload,
    nullable: true,
    description:
      'Sets or releases how long predictions stay in the log. Recorded for ever, as every policy before it. Takes effect at the next run of retention (every ten minutes on a server).',
    errors: { types: [InvalidInputError] },
    args: {
      input: t.arg({ type: SetRetentionPolicyInput, required: true, description: 'The policy.' }),
    },
    resolve: (_, { input }, context) => setRetentionPolicy(context, input),
  }),
);
