import { argumentError } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';
import type { InputIssue } from '../platform/errors.ts';
import { needs } from '../platform/needs.ts';
import {
  findModelVersion,
  type ModelVersion,
  ModelVersionRef,
  type ModelVersionReference,
  ModelVersionReferenceInput,
} from './model-version.ts';
import { ModelVersionDiffRef } from './model-version-diff.ts';

const nameOf = ({ id, digest, release }: ModelVersionReference): string =>
  release == null ? String(id?.id ?? digest) : `${release.model}@${release.semver}`;

// Null would not tell which of two versions is missing.
const missing = (
  argument: string,
  version: ModelVersion | null,
  reference: ModelVersionReference,
): readonly InputIssue[] => {
  const message = `No model version ${nameOf(reference)} is on record; give the ID, digest or release of one that is.`;
  return version === null ? [{ path: [argument], message }] : [];
};

const baseArgument = {
  type: ModelVersionReferenceInput,
  required: true,
  description: 'Version to compare from.',
} as const;

builder.queryField('modelVersionDiff', (t) =>
  t.field({
    extensions: needs('registry:read'),
    type: ModelVersionDiffRef,
    nullable: true,
    description:
      'What differs between two model versions, of one model or of two. A version that is not on record is refused by the name of its argument.',
    complexity: 10,
    args: {
      base: t.arg(baseArgument),
      head: t.arg({
        type: ModelVersionReferenceInput,
        required: true,
        description: 'Version to compare to.',
      }),
    },
    resolve: async (_, args, { database }) => {
      const [base, head] = await Promise.all([
        findModelVersion(database, args.base),
        findModelVersion(database, args.head),
      ]);
      if (base !== null && head !== null) return { base, head };
      throw argumentError(...missing('base', base, args.base), ...missing('head', head, args.head));
    },
  }),
);

builder.objectField(ModelVersionRef, 'diff', (t) =>
  t.field({
    type: ModelVersionDiffRef,
    description:
      'What differs between another version and this one: this is the head. A base that is not on record is refused.',
    complexity: 10,
    args: { base: t.arg(baseArgument) },
    resolve: async (head, args, { database }) => {
      const base = await findModelVersion(database, args.base);
      if (base !== null) return { base, head };
      throw argumentError(...missing('base', base, args.base));
    },
  }),
);
