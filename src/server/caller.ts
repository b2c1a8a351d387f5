import type { Actor, SensitiveReads } from '../platform/context.ts';

/** Who made a request. */
export interface Caller {
  readonly actor: Actor;
  /** Null when it is not recorded what they see. */
  readonly reads: SensitiveReads | null;
}

/** Who showed nothing, and may do nothing. */
export const NOBODY: Caller = {
  actor: { name: 'nobody', scopes: new Set(), models: [], rate: null, isKnown: false },
  reads: null,
};
