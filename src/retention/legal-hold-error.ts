import { builder } from '../platform/builder.ts';
import { UserError, UserErrorInterface } from '../platform/errors.ts';

/** A legal hold is on what would be destroyed. */
export class LegalHoldError extends UserError {
  override readonly name = 'LegalHoldError';
  readonly holds: readonly number[];
  constructor(holds: readonly number[], path: readonly string[]) {
    super(
      `Legal hold ${holds.join(', ')} is on some of it; release ${holds.length === 1 ? 'it' : 'them'} first (releaseLegalHold).`,
      path,
    );
    this.holds = holds;
  }
}

builder.objectType(LegalHoldError, {
  name: 'LegalHoldError',
  description: 'A legal hold is on what would be destroyed. Nothing was written.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    holdNumbers: t.intList({
      description: 'Numbers of the holds; at most 20.',
      resolve: ({ holds }) => [...holds],
    }),
  }),
});
