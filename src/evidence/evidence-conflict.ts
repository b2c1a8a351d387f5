import { builder } from '../platform/builder.ts';
import { UserError, UserErrorInterface } from '../platform/errors.ts';
import { type ValueChange, ValueChangeRef } from '../platform/value-change.ts';

/** The name is taken by other evidence, or what is known of a digest is contradicted. */
export class EvidenceConflictError extends UserError {
  override readonly name = 'EvidenceConflictError';
  readonly existingDigest: string;
  readonly submittedDigest: string;
  readonly differences: readonly ValueChange[];
  constructor(
    message: string,
    path: readonly string[],
    digests: { readonly existing: string; readonly submitted: string },
    differences: readonly ValueChange[],
  ) {
    super(message, path);
    this.existingDigest = digests.existing;
    this.submittedDigest = digests.submitted;
    this.differences = differences;
  }
}

builder.objectType(EvidenceConflictError, {
  name: 'EvidenceConflictError',
  description:
    'The name and version are taken by other content, or the facts stated about a digest contradict those on record. Nothing was written.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    existingDigest: t.expose('existingDigest', {
      type: 'Digest',
      description: 'Digest of what is on record.',
    }),
    submittedDigest: t.expose('submittedDigest', {
      type: 'Digest',
      description: 'Digest of what was submitted.',
    }),
    differences: t.field({
      type: [ValueChangeRef],
      description: 'How the submitted content differs from what is on record; at most 100.',
      resolve: ({ differences }) => differences.slice(0, 100),
    }),
  }),
});
