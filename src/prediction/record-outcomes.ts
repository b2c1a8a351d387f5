import { builder } from '../platform/builder.ts';
import { InvalidInputError } from '../platform/errors.ts';
import type { ExactJson } from '../platform/exact-json.ts';
import { needs } from '../platform/needs.ts';
import { EndpointReferenceInput } from '../serving/endpoint.ts';
import { appendPayload } from './append-payload.ts';
import { assertRecordCount, endpointMember, lineOf, MAX_RECORDS } from './record-input.ts';
import { appendOutcomes } from './store-outcomes.ts';

const OutcomeInput = builder.inputType('OutcomeInput', {
  description:
    'One observed outcome. What breaks a rule is rejected and kept by itself; the others are stored.',
  fields: (t) => ({
    requestId: t.string({
      required: true,
      description:
        'Request ID of the prediction: 1 to 1024 bytes. The prediction may arrive later.',
    }),
    item: t.int({ description: 'Position within the batched request; 0 when omitted.' }),
    endpoint: t.field({
      type: EndpointReferenceInput,
      description: "Endpoint that made the prediction; the input's own when omitted.",
    }),
    observedAt: t.string({
      required: true,
      description:
        'When the outcome was observed: RFC 3339 with a UTC offset, to the microsecond. Plain text, so that a wrong one rejects its record and not the whole call.',
    }),
    label: t.string({
      description: 'Observed label: at most 1024 bytes. A label, a value or both are needed.',
    }),
    value: t.field({
      type: 'JSON',
      description:
        'Observed numeric value: a number, or `"NaN"`, `"Infinity"`, `"-Infinity"` or `"-0"`.',
    }),
  }),
});

const RecordOutcomesInput = builder.inputType('RecordOutcomesInput', {
  description: 'Outcomes to record.',
  fields: (t) => ({
    endpoint: t.field({
      type: EndpointReferenceInput,
      description: 'Endpoint of the outcomes that name none themselves.',
    }),
    outcomes: t.field({
      type: [OutcomeInput],
      required: true,
      description: `Outcomes in any order, at most ${MAX_RECORDS}; longer lists go to \`POST /v1/outcomes\`.`,
    }),
  }),
});

builder.mutationField('recordOutcomes', (t) =>
  t.field({
    extensions: needs('predictions:write'),
    type: appendPayload('RecordOutcomesPayload', 'outcomes'),
    nullable: true,
    description:
      'Records observed outcomes, all in one transaction. The same one again changes nothing; a different one for the same prediction is kept beside the first, as history.',
    errors: { types: [InvalidInputError] },
    args: {
      input: t.arg({ type: RecordOutcomesInput, required: true, description: 'The outcomes.' }),
    },
    resolve: (_, { input }, { database }) => {
      const { outcomes } = input;
      assertRecordCount('outcomes', outcomes.length, '/v1/outcomes');
      const lines = outcomes.map((outcome, index) =>
        lineOf(
          {
            ...outcome,
            endpoint: endpointMember(outcome.endpoint ?? input.endpoint),
            // The scalar gives any JSON, integers beyond 2^53 as bigint.
            value: outcome.value as ExactJson | undefined,
          },
          index,
        ),
      );
      return appendOutcomes(database, lines);
    },
  }),
);
