import { builder } from '../platform/builder.ts';
import type { Database } from '../platform/database.ts';
import { immutableLoader } from '../platform/immutable-cache.ts';

/** A commit in a source repository. `digest` covers repository, object name and cleanliness. */
export interface CodeCommit {
  readonly id: number;
  readonly digest: string;
  readonly repository: string;
  readonly oid: string;
  readonly isDirty: boolean;
  readonly messageHeadline: string | null;
  readonly author: string | null;
  readonly committedAt: Date | null;
  readonly recordedAt: Date;
}

export const codeCommitById = immutableLoader<number, CodeCommit>(async ({ prisma }, ids) => {
  const rows = await prisma.codeCommit.findMany({ where: { id: { in: [...ids] } } });
  return new Map(rows.map((row) => [row.id, row]));
});

/** The global ID of a commit is its digest. */
export const codeCommitByDigest = async (
  database: Database,
  digest: string,
): Promise<CodeCommit | null> => database.prisma.codeCommit.findUnique({ where: { digest } });

export const CodeCommitRef = builder.objectRef<CodeCommit>('CodeCommit');
