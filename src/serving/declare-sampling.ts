import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { assertNoIssues, InvalidInputError, NotFoundError } from '../platform/errors.ts';
import { dateOf, formatInstant } from '../platform/instant.ts';
import { collectIssues } from '../platform/issues.ts';
import { needs } from '../platform/needs.ts';
import { inTransaction, recordingTime } from '../platform/transaction.ts';
import { FUTURE_TOLERANCE } from '../registry/transition.ts';
import { lockEndpoint } from './deployment-history.ts';
import { EndpointReferenceInput, findEndpoint } from './endpoint.ts';
import { isSamplingRate, MIN_SAMPLING_RATE } from './keyed-sampling.ts';
import type { SamplingFact } from './sampling.ts';
import { samplingFactOf } from './sampling-history.ts';
import { SamplingFactRef, SamplingKeyEnum, SamplingRuleEnum } from './sampling-type.ts';

const DeclareSamplingInput = builder.inputType('DeclareSamplingInput', {
  description: 'Which part of its predictions an endpoint logs.',
  fields: (t) => ({
    endpoint: t.field({
      type: EndpointReferenceInput,
      required: true,
      description: 'Endpoint that logs them.',
    }),
    rule: t.field({
      type: SamplingRuleEnum,
      required: true,
      description: 'How the predictions are chosen.',
    }),
    key: t.field({
      type: SamplingKeyEnum,
      description: 'What KEYED looks at; left out for other rules.',
    }),
    rate: t.float({
      required: true,
      defaultValue: 1,
      description: `Share of predictions that are logged: more than 0 and at most 1, no less than ${MIN_SAMPLING_RATE}; 1 for ALL.`,
    }),
    validFrom: t.field({
      type: 'DateTime',
      description:
        'Since when, to the millisecond; now when omitted. At most 5 minutes ahead. It holds until the `validFrom` of another declaration; one with the same corrects this one.',
    }),
    reason: t.string({
      required: true,
      description: 'Why; kept in the audit trail. At most 2000 characters.',
    }),
  }),
});

type Declaration = typeof DeclareSamplingInput.$inferInput;

/** Refuses what no declaration may say, everything at once. */
const check = ({ rule, key, rate, validFrom, reason }: Declaration): void => {
  const issues = collectIssues();
  if (!isSamplingRate(rate)) {
    const range = `more than 0 and at most 1, no less than ${MIN_SAMPLING_RATE}`;
    issues.add(['input', 'rate'], `rate is ${rate}; give a share of predictions, ${range}.`);
  } else if (rule === 'ALL' && rate !== 1) {
    const remedy = 'leave it out, or give the rule RANDOM or KEYED';
    issues.add(['input', 'rate'], `rate is ${rate}, but ALL logs every prediction; ${remedy}.`);
  }
  if (rule === 'KEYED' && key == null) {
    issues.add(['input', 'key'], 'KEYED needs a key; give ENTITY_KEY, REQUEST_ID or TRACE_ID.');
  } else if (rule !== 'KEYED' && key != null) {
    issues.add(['input', 'key'], `key is ${key}, but ${rule} looks at none; leave it out.`);
  }
  if (validFrom != null && validFrom > Date.now() * 1000 + FUTURE_TOLERANCE) {
    issues.add(
      ['input', 'validFrom'],
      `validFrom is ${formatInstant(validFrom)}, more than 5 minutes ahead; declare it when it holds.`,
    );
  }
  issues.text(['input', 'reason'], reason);
  assertNoIssues(issues.list);
};

/** Appends a fact. Record time never goes backwards among those of an endpoint, whatever the clock does. */
const declareSampling = async (
  { database, actor }: Context,
  input: Declaration,
): Promise<SamplingFact> => {
  check(input);
  const endpoint = await findEndpoint(database, input.endpoint);
  if (endpoint === null) {
    const message = 'No such endpoint is on record; it comes into being with its first deployment.';
    throw new NotFoundError(message, ['input', 'endpoint']);
  }
  const { rule, rate, reason } = input;
  return inTransaction(database, async (transaction) => {
    await lockEndpoint(transaction, endpoint.id);
    const last = await transaction.samplingFact.findFirst({
      where: { endpointId: endpoint.id },
      orderBy: { sequence: 'desc' },
    });
    const clock = await recordingTime(transaction);
    const now = last !== null && last.recordedAt > clock ? last.recordedAt : clock;
    const fact = {
      endpointId: endpoint.id,
      sequence: (last?.sequence ?? 0) + 1,
      rule,
      key: input.key ?? null,
      rate,
      validFrom: input.validFrom == null ? now : dateOf(input.validFrom),
      reason,
      actor: actor.name,
      recordedAt: now,
    };
    await transaction.samplingFact.createMany({ data: [fact] });
    return samplingFactOf(fact);
  });
};

const DeclareSamplingPayload = builder
  .objectRef<{ readonly sampling: SamplingFact }>('DeclareSamplingPayload')
  .implement({
    description: 'A declared sampling.',
    fields: (t) => ({
      sampling: t.field({
        type: SamplingFactRef,
        description: 'What was declared.',
        resolve: ({ sampling }) => sampling,
      }),
    }),
  });

builder.mutationField('declareSampling', (t) =>
  t.field({
    extensions: needs('deployments:write'),
    type: DeclareSamplingPayload,
    nullable: true,
    description:
      'Declares which part of its predictions an endpoint logs. Services sample; Hindcast keeps whatever it is sent, and holds it against what was declared.',
    errors: { types: [InvalidInputError, NotFoundError] },
    args: {
      input: t.arg({ type: DeclareSamplingInput, required: true, description: 'The sampling.' }),
    },
    resolve: async (_, { input }, context) => ({ sampling: await declareSampling(context, input) }),
  }),
);
