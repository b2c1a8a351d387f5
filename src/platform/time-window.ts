import { builder } from './builder.ts';

export const TimeWindowInput = builder.inputType('TimeWindow', {
  description: 'A half-open interval of time.',
  fields: (t) => ({
    from: t.field({ type: 'DateTime', description: 'Start, inclusive; open when omitted.' }),
    to: t.field({ type: 'DateTime', description: 'End, exclusive; open when omitted.' }),
  }),
});
