import { builder } from '../platform/builder.ts';
import { digestOf } from '../platform/canonical-json.ts';
import { immutableLoader } from '../platform/immutable-cache.ts';
import { dateOf, instantOf } from '../platform/instant.ts';
import type { Issues } from '../platform/issues.ts';
import type { Transaction } from '../platform/transaction.ts';
import {
  type ContentAddressed,
  ContentAddressedRef,
  findableByDigest,
} from './content-addressed.ts';
import { EvidenceConflictError } from './evidence-conflict.ts';

/** A commit in a source repository. `digest` covers repository, object name and cleanliness. */
export interface CodeCommit extends ContentAddressed {
  readonly repository: string;
  readonly oid: string;
  readonly isDirty: boolean;
  readonly messageHeadline: string | null;
  readonly author: string | null;
  readonly committedAt: Date | null;
}

/** One spelling for one repository: lower-case host, no trailing slash or `.git`. */
export const normalizedRepository = (url: string): string => {
  const parsed = new URL(url);
  parsed.hash = '';
  parsed.search = '';
  return parsed.href.replace(/\/+$/, '').replace(/\.git$/, '');
};

export const commitDigest = ({
  repository,
  oid,
  isDirty,
}: Pick<CodeCommit, 'repository' | 'oid' | 'isDirty'>): string =>
  digestOf({ repository, oid, isDirty });

/** Web page of the commit on the hosts whose addresses are known. */
export const commitUrl = ({ repository, oid }: CodeCommit): string | null =>
  /^https:\/\/(github\.com|gitlab\.com|bitbucket\.org|codeberg\.org)\//.test(repository)
    ? `${repository}/${repository.includes('bitbucket.org') ? 'commits' : 'commit'}/${oid}`
    : null;

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
  const { username, password } = new URL(repository);
  if ((username !== '' && username !== 'git') || password !== '') {
    issues.add([...path, 'repository'], 'repository holds credentials; take them out of the URL.');
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

export const codeCommitById = immutableLoader<number, CodeCommit>(
  'CodeCommit',
  async ({ prisma }, ids) => {
    const rows = await prisma.codeCommit.findMany({ where: { id: { in: [...ids] } } });
    return new Map(rows.map((row) => [row.id, row]));
  },
);

export const codeCommitByDigest = immutableLoader<string, CodeCommit>(
  'CodeCommit',
  async ({ prisma }, digests) => {
    const rows = await prisma.codeCommit.findMany({ where: { digest: { in: [...digests] } } });
    return new Map(rows.map((row) => [row.digest, row]));
  },
);

findableByDigest((database, digest) => codeCommitByDigest(database).load(digest));

export const CodeCommitRef = builder.objectRef<CodeCommit>('CodeCommit');

builder.node(CodeCommitRef, {
  description: 'A commit in a source repository.',
  interfaces: [ContentAddressedRef],
  id: { resolve: ({ digest }) => digest, description: 'Opaque global ID.' },
  loadOne: (digest: string, { database }) => codeCommitByDigest(database).load(digest),
  fields: (t) => ({
    displayName: t.string({
      description: 'Repository and abbreviated commit, such as `acme/fraud@3f2c9e1`.',
      resolve: ({ repository, oid }) =>
        `${new URL(repository).pathname.replace(/^\//, '')}@${oid.slice(0, 7)}`,
    }),
    repository: t.expose('repository', {
      type: 'URL',
      description: 'Normalized clone URL of the repository.',
    }),
    oid: t.expose('oid', { type: 'GitObjectID', description: 'Full commit name.' }),
    isDirty: t.exposeBoolean('isDirty', {
      description:
        'Whether the working tree had uncommitted changes when it was recorded. A dirty commit does not reproduce the model.',
    }),
    messageHeadline: t.exposeString('messageHeadline', {
      nullable: true,
      description: 'First line of the commit message.',
    }),
    author: t.exposeString('author', {
      nullable: true,
      description: 'Author, as recorded in the commit.',
    }),
    committedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Commit date.',
      resolve: ({ committedAt }) => (committedAt === null ? null : instantOf(committedAt)),
    }),
    url: t.field({
      type: 'URL',
      nullable: true,
      description: 'Web page of the commit, if the host is known.',
      resolve: commitUrl,
    }),
  }),
});
