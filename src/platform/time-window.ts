import { builder } from './builder.ts';
import type { Issues } from './issues.ts';

export const TimeWindowInput = builder.inputType('TimeWindow', {
  description: 'A half-open interval of time.',
  fields: (t) => ({
    from: t.field({ type: 'DateTime', description: 'Start, inclusive; open when omitted.' }),
    to: t.field({ type: 'DateTime', description: 'End, exclusive; open when omitted.' }),
  }),
});

/** Notes a window that holds everything or nothing. */
export const checkWindow = (
  path: readonly (string | number)[],
  window: typeof TimeWindowInput.$inferInput | null | undefined,
  issues: Issues,
): void => {
  if (window == null) return;
  const { from, to } = window;
  if (from == null && to == null) issues.add(path, 'has no bound; give `from`, `to` or both.');
  else if (from != null && to != null && from >= to) {
    issues.add(path, 'is empty: `to` is exclusive and must lie after `from`.');
  }
};
