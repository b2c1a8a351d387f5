// Rows of the log with Prisma's `createMany`: reads a database's rows, writes them to another, and tells how long that took.
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from '../../src/generated/prisma/client.ts';

const [, , from = '', to = '', count = '0'] = process.argv;
const source = new PrismaClient({ adapter: new PrismaPg(from) });
const target = new PrismaClient({ adapter: new PrismaPg(to) });
const rows = await source.predictionLog.findMany({
  // Prisma takes no nulls in lists, so only rows whose values are all there, and without the times of the values.
  where: { statuses: null },
  omit: { featureObservedAt: true },
  take: Number(count),
  orderBy: { occurredAt: 'asc' },
});
const begin = performance.now();
for (let at = 0; at < rows.length; at += 1000) {
  await target.predictionLog.createMany({
    data: rows.slice(at, at + 1000).map((row) => ({ ...row, featureObservedAt: [] })),
    skipDuplicates: true,
  });
}
process.stdout.write(String(rows.length / ((performance.now() - begin) / 1000)));
await source.$disconnect();
await target.$disconnect();
