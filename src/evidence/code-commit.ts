import { builder } from '../platform/builder.ts';
import { digestOf, type JsonValue } from '../platform/canonical-json.ts';
import { immutableLoader } from '../platform/immutable-cache.ts';
import { IMMUTABLE } from '../platform/immutable-type.ts';
import { instantOf } from '../platform/instant.ts';
import { needsWithinModels } from '../platform/needs.ts';
import {
  type ContentAddressed,
  ContentAddressedRef,
  findableByDigest,
} from './content-addressed.ts';
import { LineageNodeRef } from './lineage-node.ts';

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
  const { href, host } = new URL(url);
  // The URL standard leaves the host of ssh: and git: as it was written.
  const lowered = href.replace(host, host.toLowerCase());
  return lowered
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .replace(/\/+$/, '');
};

type Named = Pick<CodeCommit, 'repository' | 'oid' | 'isDirty'>;

/** The canonical content that a commit's digest covers. */
export const commitContent = ({ repository, oid, isDirty }: Named): JsonValue => ({
  repository,
  oid,
  isDirty,
});

export const commitDigest = (commit: Named): string => digestOf(commitContent(commit));

/** Web page of the commit on the hosts whose addresses are known. */
export const commitUrl = ({ repository, oid }: CodeCommit): string | null =>
  /^https:\/\/(github\.com|gitlab\.com|bitbucket\.org|codeberg\.org)\//.test(repository)
    ? `${repository}/${repository.includes('bitbucket.org') ? 'commits' : 'commit'}/${oid}`
    : null;

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
  extensions: { ...needsWithinModels('registry:read'), ...IMMUTABLE },
  description: 'A commit in a source repository.',
  interfaces: [ContentAddressedRef, LineageNodeRef],
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
