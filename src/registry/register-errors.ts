import { builder } from '../platform/builder.ts';
import { UserError, UserErrorInterface } from '../platform/errors.ts';
import { type ValueChange, ValueChangeRef } from '../platform/value-change.ts';
import { type ModelVersion, ModelVersionRef, releaseOf } from './model-version.ts';

/** The semantic version is taken by a different manifest. */
export class VersionConflictError extends UserError {
  override readonly name = 'VersionConflictError';
  readonly existing: ModelVersion;
  readonly submittedDigest: string;
  readonly differences: readonly ValueChange[];
  constructor(
    existing: ModelVersion,
    submittedDigest: string,
    differences: readonly ValueChange[],
  ) {
    const places = differences.slice(0, 5).map(({ pointer }) => pointer);
    const more = differences.length > 5 ? ` and ${differences.length - 5} more places` : '';
    super(
      `${releaseOf(existing)} is on record as ${existing.digest}; what was submitted is ${submittedDigest}. They differ in ${places.join(', ')}${more}. Give the changed version another semantic version.`,
      ['input', 'semver'],
    );
    this.existing = existing;
    this.submittedDigest = submittedDigest;
    this.differences = differences;
  }
}

builder.objectType(VersionConflictError, {
  name: 'VersionConflictError',
  description: 'The semantic version is taken by a different manifest. Nothing was written.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    existing: t.field({
      type: ModelVersionRef,
      description: 'The version that holds it.',
      resolve: ({ existing }) => existing,
    }),
    existingDigest: t.field({
      type: 'Digest',
      description: 'Digest of the version on record.',
      resolve: ({ existing }) => existing.digest,
    }),
    submittedDigest: t.expose('submittedDigest', {
      type: 'Digest',
      description: 'Digest of what was submitted.',
    }),
    differences: t.field({
      type: [ValueChangeRef],
      description: 'How the submitted manifest differs from the one on record; at most 100.',
      resolve: ({ differences }) => differences.slice(0, 100),
    }),
  }),
});

/** The caller's digest differs from the one computed here. */
export class DigestMismatchError extends UserError {
  override readonly name = 'DigestMismatchError';
  readonly expected: string;
  readonly actual: string;
  readonly canonicalManifest: string;
  constructor(expected: string, actual: string, canonicalManifest: string) {
    super(
      `The manifest's digest is ${actual}, not the expected ${expected}. Compare \`canonicalManifest\` with yours.`,
      ['input', 'expectedDigest'],
    );
    this.expected = expected;
    this.actual = actual;
    this.canonicalManifest = canonicalManifest;
  }
}

builder.objectType(DigestMismatchError, {
  name: 'DigestMismatchError',
  description: "The caller's digest differs from the one computed here. Nothing was written.",
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    expected: t.expose('expected', { type: 'Digest', description: 'Digest the caller gave.' }),
    actual: t.expose('actual', {
      type: 'Digest',
      description: 'Digest computed from the canonical manifest.',
    }),
    canonicalManifest: t.exposeString('canonicalManifest', {
      description: 'The canonical manifest that was hashed, to find the difference.',
    }),
  }),
});
