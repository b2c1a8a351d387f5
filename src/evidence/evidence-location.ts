import DataLoader from 'dataloader';
import { type Context, perRequest } from '../platform/context.ts';
import type { Transaction } from '../platform/transaction.ts';

/** Notes a place where the bytes behind a digest were said to be; not part of any identity. */
export const recordLocation = async (
  transaction: Transaction,
  digest: string,
  uri: string,
): Promise<void> => {
  await transaction.evidenceLocation.createMany({ data: [{ digest, uri }], skipDuplicates: true });
};

/** Locations by digest, first recorded first. More may be recorded later, so they are read once a request. */
export const locationsOf = perRequest(
  ({ database }: Context) =>
    new DataLoader<string, readonly string[]>(async (digests) => {
      const rows = await database.prisma.evidenceLocation.findMany({
        where: { digest: { in: [...digests] } },
        orderBy: [{ recordedAt: 'asc' }, { uri: 'asc' }],
      });
      return digests.map((digest) =>
        rows.filter((row) => row.digest === digest).map(({ uri }) => uri),
      );
    }),
);
