import { builder } from '../platform/builder.ts';
import { dateOf } from '../platform/instant.ts';
import type { Issues } from '../platform/issues.ts';
import { recordedAtIn, type Transaction } from '../platform/transaction.ts';
import { type CodeCommit, commitDigest, normalizedRepository } from './code-commit.ts';
import { EvidenceConflictError } from './evidence-conflict.ts';

export const CodeCommitInput = builder.inputType('CodeCommitInput', {
  description: 'A commit to record.',
  fields: (t) => ({
    repository: t.field({
      type: 'URL',
      required: true,
      description: 'Clone URL without credentials; a trailing `/` or `.git` is ignored.',
    }),
    oid: t.field({ type: 'GitObjectID', required: true, description: 'Full commit name.' }),
    isDirty: t.boolean({
      required: true,
      defaultValue: false,
      description: 'Whether the working tree had uncommitted changes.',
    }),
    messageHeadline: t.string({
      description:
        'First line of the commit message, at most 500 characters. Kept from the first recording of the commit; later ones may repeat or omit it.',
    }),
    author: t.string({
      description: 'Author, as recorded in the commit. Kept from the first recording.',
    }),
    committedAt: t.field({
      type: 'DateTime',
      description: 'Commit date, to the millisecond. Kept from the first recording.',
    }),
  }),
});

export type CommitSource = typeof CodeCommitInput.$inferInput;

export const checkCommit = (
  { repository, messageHeadline, author }: CommitSource,
  path: readonly (string | number)[],
  issues: Issues,
): void => {
  const { username, password, search, hash } = new URL(repository);
  if ((username !== '' && username !== 'git') || password !== '') {
    issues.add([...path, 'repository'], 'repository holds credentials; take them out of the URL.');
  }
  if (search !== '' || hash !== '') {
    issues.add(
      [...path, 'repository'],
      'repository has a query or a fragment, which no clone URL needs; take it out of the URL.',
    );
  }
  issues.text([...path, 'repository'], repository, 1000);
  issues.text([...path, 'messageHeadline'], messageHeadline, 500);
  issues.text([...path, 'author'], author, 500);
};

export const digestOfCommit = (source: CommitSource): string =>
  commitDigest({
    repository: normalizedRepository(source.repository),
    oid: source.oid,
    isDirty: source.isDirty,
  });

/** Records a checked commit; a statement about it that contradicts an earlier one is refused. */
export const recordCommit = async (
  transaction: Transaction,
  source: CommitSource,
  path: readonly string[],
): Promise<{ readonly commit: CodeCommit; readonly isNew: boolean }> => {
  const digest = digestOfCommit(source);
  const details = {
    messageHeadline: source.messageHeadline ?? null,
    author: source.author ?? null,
    committedAt: source.committedAt == null ? null : dateOf(source.committedAt),
  };
  const { count } = await transaction.codeCommit.createMany({
    data: [
      {
        digest,
        repository: normalizedRepository(source.repository),
        oid: source.oid,
        isDirty: source.isDirty,
        ...details,
        recordedAt: await recordedAtIn(transaction),
      },
    ],
    skipDuplicates: true,
  });
  const commit = await transaction.codeCommit.findUniqueOrThrow({ where: { digest } });
  if (count === 0) refuseContradiction(commit, details, path);
  return { commit, isNew: count === 1 };
};

const refuseContradiction = (
  commit: CodeCommit,
  details: Pick<CodeCommit, 'messageHeadline' | 'author' | 'committedAt'>,
  path: readonly string[],
): void => {
  const text = (value: string | Date | null) =>
    value instanceof Date ? value.toISOString() : value;
  const names = ['messageHeadline', 'author', 'committedAt'] as const;
  const differences = names.flatMap((name) => {
    const before = text(commit[name]);
    const after = text(details[name]);
    return before === null || after === null || before === after
      ? []
      : [{ kind: 'CHANGED', pointer: `/${name}`, before, after } as const];
  });
  const [first] = differences;
  if (first === undefined) return;
  throw new EvidenceConflictError(
    `Commit ${commit.oid.slice(0, 12)} is on record with another ${first.pointer.slice(1)}: ${JSON.stringify(first.before)}, not ${JSON.stringify(first.after)}. A commit cannot change: correct the value, or leave it out.`,
    [...path, first.pointer.slice(1)],
    { existing: commit.digest, submitted: commit.digest },
    differences,
  );
};
