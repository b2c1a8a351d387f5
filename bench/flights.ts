import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createGunzip } from 'node:zlib';

/** The compiled file is two folders below the project. */
export const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));

const SAMPLE = `${PROJECT}examples/flights/predictions.ndjson.gz`;

const DAY = 86_400_000;

/** Where the times of the rows go: spread evenly over `days`, the last `dense` of them within one more day. */
export interface Placement {
  readonly rows: number;
  readonly from: Date;
  readonly days: number;
  readonly dense: number;
}

async function* linesOf(file: string): AsyncGenerator<string> {
  yield* createInterface(createReadStream(file).pipe(createGunzip()));
}

const instantText = (ms: number, row: number): string =>
  `${new Date(ms).toISOString().slice(0, -1)}${String(row % 1000).padStart(3, '0')}Z`;

/** A UUIDv7 of a time and the number of its row. */
const requestIdOf = (ms: number, row: number): string => {
  const time = Math.floor(ms).toString(16).padStart(12, '0');
  const rest = row.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${rest.slice(0, 3)}-8${rest.slice(3, 6)}-${rest.slice(6).padStart(12, '0')}`;
};

/** As random as trace IDs are, and the same for the same row. */
const traceIdOf = (row: number): string => createHash('md5').update(String(row)).digest('hex');

/** When row `row` happened. */
export const timeOf = ({ rows, from, days, dense }: Placement, row: number): number => {
  const sparse = rows - dense;
  return row < sparse
    ? from.getTime() + (row / sparse) * days * DAY
    : from.getTime() + days * DAY + ((row - sparse) / dense) * DAY;
};

export const requestIdAt = (placement: Placement, row: number): string =>
  requestIdOf(timeOf(placement, row), row);

/**
 * The flights as NDJSON, repeated until there are enough, under times, request and trace IDs of their own. `file` is what
 * `examples/flights/build.py --full` wrote; the sample of the project without it.
 */
export async function* flightLines(
  placement: Placement,
  file: string | undefined,
): AsyncGenerator<string> {
  if (file !== undefined && !existsSync(file)) throw new Error(`There is no ${file}.`);
  for (let row = 0; row < placement.rows; ) {
    for await (const line of linesOf(file ?? SAMPLE)) {
      const ms = timeOf(placement, row);
      yield line
        .replace(/"requestId":"[^"]*"/, `"requestId":"${requestIdOf(ms, row)}"`)
        .replace(/"traceId":"[^"]*"/, `"traceId":"${traceIdOf(row)}"`)
        .replace(/"occurredAt":"[^"]*"/, `"occurredAt":"${instantText(ms, row)}"`)
        .replace(/"observedAt":"[^"]*"/g, `"observedAt":"${instantText(ms - 3_600_000, row)}"`);
      row += 1;
      if (row === placement.rows) return;
    }
  }
}
