/** How far a replayed number may be from the logged one: within any of these. */
export interface Tolerance {
  /** Steps between representable numbers of the output's precision. */
  readonly ulps: number;
  readonly absolute: number;
  /** Share of the logged number's magnitude. */
  readonly relative: number;
}

export const EXACTLY: Tolerance = { ulps: 0, absolute: 0, relative: 0 };

export type Precision = 'FP32' | 'FP64' | 'INTEGER';

export type NumberVerdict = 'EXACT' | 'WITHIN_TOLERANCE' | 'MISMATCH';

/** How one replayed number stands against the logged one. */
export interface NumberComparison {
  readonly verdict: NumberVerdict;
  /** Null where there is no finite distance. */
  readonly ulps: bigint | null;
  readonly absolute: number | null;
}

const view = new DataView(new ArrayBuffer(8));

/** Doubles in the order of their values, one apart each; −0 and 0 are one apart, too. */
const ordinal64 = (value: number): bigint => {
  view.setFloat64(0, value);
  const bits = view.getBigInt64(0);
  return bits < 0n ? -(bits & 0x7fff_ffff_ffff_ffffn) - 1n : bits;
};

const ordinal32 = (value: number): bigint => {
  view.setFloat32(0, value);
  const bits = view.getInt32(0);
  return BigInt(bits < 0 ? -(bits & 0x7fff_ffff) - 1 : bits);
};

/** Steps between two numbers of a precision; null when either is not finite. */
export const ulpDistance = (one: number, other: number, precision: Precision): bigint | null => {
  if (!Number.isFinite(one) || !Number.isFinite(other)) return null;
  const ordinal = precision === 'FP32' ? ordinal32 : ordinal64;
  const distance = ordinal(one) - ordinal(other);
  return distance < 0n ? -distance : distance;
};

/**
 * Compares a logged number with a replayed one. A logger that writes the shortest text of an FP32 value logs another
 * double, which stands for that value.
 */
export const compareNumbers = (
  logged: number,
  replayed: number,
  precision: Precision,
  { ulps, absolute, relative }: Tolerance = EXACTLY,
): NumberComparison => {
  const meant = precision === 'FP32' ? Math.fround(logged) : logged;
  if (Object.is(meant, replayed)) return { verdict: 'EXACT', ulps: 0n, absolute: 0 };
  const steps = ulpDistance(meant, replayed, precision);
  if (steps === null) return { verdict: 'MISMATCH', ulps: null, absolute: null };
  const distance = Math.abs(meant - replayed);
  const isClose =
    steps <= BigInt(ulps) || distance <= absolute || distance <= relative * Math.abs(meant);
  return {
    // Without a tolerance, −0 and 0 are a distance of 0 apart and yet not the same.
    verdict:
      isClose && (ulps > 0 || absolute > 0 || relative > 0) ? 'WITHIN_TOLERANCE' : 'MISMATCH',
    ulps: steps,
    absolute: distance,
  };
};

/** The verdict on several numbers: exact when all are, within tolerance when none is beyond it. */
export const worstNumber = (verdicts: readonly NumberVerdict[]): NumberVerdict =>
  verdicts.includes('MISMATCH')
    ? 'MISMATCH'
    : verdicts.includes('WITHIN_TOLERANCE')
      ? 'WITHIN_TOLERANCE'
      : 'EXACT';
