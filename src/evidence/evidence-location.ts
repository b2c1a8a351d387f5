import DataLoader from 'dataloader';
import { type Context, perRequest } from '../platform/context.ts';
import type { Issues } from '../platform/issues.ts';
import { recordedAtIn, type Transaction } from '../platform/transaction.ts';

/** What fits into an index entry, whatever the characters. */
export const MAX_LOCATION_BYTES = 2000;

export const checkLocation = (
  uri: string,
  path: readonly (string | number)[],
  issues: Issues,
): void => {
  const size = Buffer.byteLength(uri);
  if (uri.trim() === '') {
    issues.add(path, 'location is empty; say where the bytes are.');
  } else if (size > MAX_LOCATION_BYTES) {
    issues.add(path, `location has ${size} bytes; give at most ${MAX_LOCATION_BYTES}.`);
  } else issues.text(path, uri);
};

/** Notes a place where the bytes behind a digest were said to be; not part of any identity. */
export const recordLocation = async (
  transaction: Transaction,
  digest: string,
  uri: string,
): Promise<void> => {
  await transaction.evidenceLocation.createMany({
    data: [{ digest, uri, recordedAt: await recordedAtIn(transaction) }],
    skipDuplicates: true,
  });
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
