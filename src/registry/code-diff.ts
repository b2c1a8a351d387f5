import { type CodeCommit, CodeCommitRef } from '../evidence/code-commit.ts';
import { builder } from '../platform/builder.ts';

/** Two commits that differ. */
export interface CodeDiff {
  readonly base: CodeCommit;
  readonly head: CodeCommit;
}

// Each shows the direct difference of two commits, and not that of the head from their common ancestor.
const COMPARISONS: Readonly<Record<string, (base: string, head: string) => string>> = {
  'github.com': (base, head) => `compare/${base}..${head}`,
  'gitlab.com': (base, head) => `-/compare/${base}...${head}?straight=true`,
  'bitbucket.org': (base, head) => `branches/compare/${head}..${base}`,
  'codeberg.org': (base, head) => `compare/${base}..${head}`,
};

/** Web page that compares two commits of one repository on the hosts whose addresses are known. */
export const compareUrl = ({ base, head }: CodeDiff): string | null => {
  if (base.repository !== head.repository || base.oid === head.oid) return null;
  const { protocol, host } = new URL(base.repository);
  const path = protocol === 'https:' ? COMPARISONS[host]?.(base.oid, head.oid) : undefined;
  return path === undefined ? null : `${base.repository}/${path}`;
};

/** Null when both are the same commit, equally clean. */
export const codeDiff = (base: CodeCommit, head: CodeCommit): CodeDiff | null =>
  base.digest === head.digest ? null : { base, head };

export const CodeDiffRef = builder.objectRef<CodeDiff>('CodeDiff').implement({
  description:
    'Difference of training code: another commit, another repository, or the same commit with other cleanliness.',
  fields: (t) => ({
    base: t.field({
      type: CodeCommitRef,
      description: 'Commit compared from.',
      resolve: ({ base }) => base,
    }),
    head: t.field({
      type: CodeCommitRef,
      description: 'Commit compared to.',
      resolve: ({ head }) => head,
    }),
    compareUrl: t.field({
      type: 'URL',
      nullable: true,
      description:
        'Web page of the direct comparison, when both are commits of one repository on github.com, gitlab.com, bitbucket.org or codeberg.org. What a dirty working tree held besides is not on it.',
      resolve: compareUrl,
    }),
  }),
});
