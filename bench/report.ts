import { cpus, release, totalmem } from 'node:os';

/** One row of the results: something measured several times. */
export interface Measured {
  readonly what: string;
  readonly unit: string;
  readonly values: readonly number[];
  /** What the median is held against, such as `0.83 × prepared statement`. */
  readonly compared?: string;
  /** What is to be reached, and whether it was. */
  readonly target?: { readonly text: string; readonly isReached: boolean };
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
};

const short = (value: number): string =>
  value >= 1000
    ? Math.round(value).toLocaleString('en').replaceAll(',', ' ')
    : String(Number(value.toPrecision(3)));

const spreadOf = (values: readonly number[]): string =>
  values.length < 2 ? '' : `${short(Math.min(...values))} – ${short(Math.max(...values))}`;

export const ratio = (one: readonly number[], other: readonly number[]): number =>
  median(one) / median(other);

export const times = (value: number): string => `${value.toFixed(2)} ×`;

const cellsOf = ({ what, unit, values, compared = '', target }: Measured): readonly string[] => [
  what,
  `${short(median(values))} ${unit}`,
  spreadOf(values),
  compared,
  target === undefined ? '' : `${target.isReached ? 'yes' : '**no**'}: ${target.text}`,
];

const HEADER = ['what', 'median', 'spread', 'compared', 'reached'];

export const markdownTable = (rows: readonly Measured[]): string =>
  [HEADER, HEADER.map(() => '---'), ...rows.map(cellsOf)]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');

export const machine = (): string =>
  `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${release()}, Node ${process.version}`;
