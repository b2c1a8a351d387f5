import type { FeatureGroup } from './cohort-features.ts';
import type { BinKind, Binning } from './feature-binning.ts';
import { CODE, ROW_STATUS, readFeatureKey } from './feature-key.ts';

/** How the values of one feature arrived in one cohort. The first seven add up to its rows. */
export interface FeatureCounts {
  readonly present: number;
  readonly defaulted: number;
  readonly null: number;
  readonly missing: number;
  readonly undeclared: number;
  readonly erased: number;
  readonly unreadable: number;
  readonly stale: number;
  readonly nan: number;
  readonly infinite: number;
  readonly unseen: number;
  readonly withNullElements: number;
  /** In the order of the binning; erased and unreadable values, which nobody knows, are in none. */
  readonly bins: readonly number[];
}

type Counter = { -readonly [Key in Exclude<keyof FeatureCounts, 'bins'>]: number };

const emptyCounter = (): Counter => ({
  present: 0,
  defaulted: 0,
  null: 0,
  missing: 0,
  undeclared: 0,
  erased: 0,
  unreadable: 0,
  stale: 0,
  nan: 0,
  infinite: 0,
  unseen: 0,
  withNullElements: 0,
});

const ABSENCES: ReadonlyMap<number, 'null' | 'missing' | 'undeclared'> = new Map([
  [ROW_STATUS.NULL, 'null'],
  [ROW_STATUS.MISSING, 'missing'],
  [ROW_STATUS.UNDECLARED, 'undeclared'],
]);

/** Where values of each code are counted besides their bin. */
const KINDS: ReadonlyMap<number, 'nan' | 'infinite' | 'withNullElements'> = new Map([
  [CODE.NAN, 'nan'],
  [CODE.NEGATIVE_INFINITY, 'infinite'],
  [CODE.POSITIVE_INFINITY, 'infinite'],
  [CODE.HAS_INFINITE_ELEMENT, 'infinite'],
  [CODE.HAS_NULL_ELEMENT, 'withNullElements'],
]);

const placesOf = ({ bins, categories }: Binning) => {
  const place = (kind: BinKind): number => bins.findIndex((one) => one.kind === kind);
  const byCategory = new Map(categories?.map((category, at) => [category, at]));
  const lastRange = bins.filter(({ kind }) => kind === 'RANGE').length - 1;
  const absent = place('ABSENT');
  const ofValue = (code: number, category: string | null): number => {
    if (code === CODE.NOTHING) return absent;
    if (code === CODE.NAN) return place('NAN');
    if (lastRange < 0) {
      if (categories === null) return place('VALUE');
      return (category === null ? undefined : byCategory.get(category)) ?? place('OTHER_CATEGORY');
    }
    if (code === CODE.NEGATIVE_INFINITY) return 0;
    return code === CODE.POSITIVE_INFINITY ? lastRange : code;
  };
  return { absent, ofValue };
};

/** Adds the groups of one feature up. */
const countsOf = (binning: Binning, groups: readonly FeatureGroup[]): FeatureCounts => {
  const counter = emptyCounter();
  const bins = binning.bins.map(() => 0);
  const places = placesOf(binning);
  const toBin = (place: number, count: number): void => {
    bins[place] = (bins[place] ?? 0) + count;
  };
  for (const { key, category, count } of groups) {
    const { status, code, isStale, isUnseen } = readFeatureKey(key);
    const absence = ABSENCES.get(status);
    if (absence !== undefined) {
      counter[absence] += count;
      toBin(places.absent, count);
      continue;
    }
    const isDefault = status === ROW_STATUS.DEFAULTED;
    if (status === ROW_STATUS.ERASED) {
      counter.erased += count;
    } else if (!isDefault && (status !== ROW_STATUS.PRESENT || code === CODE.NOTHING)) {
      counter.unreadable += count;
    } else {
      counter[isDefault ? 'defaulted' : 'present'] += count;
      const kind = KINDS.get(code);
      if (kind !== undefined) counter[kind] += count;
      if (isStale) counter.stale += count;
      const place = places.ofValue(code, category);
      if (isUnseen || binning.bins[place]?.kind === 'OTHER_CATEGORY') counter.unseen += count;
      toBin(place, count);
    }
  }
  return { ...counter, bins };
};

/** The counts of every feature of a cohort, in the order of the binnings. */
export const featureCounts = (
  binnings: readonly Binning[],
  groups: readonly FeatureGroup[],
): readonly FeatureCounts[] => {
  const ofFeature = new Map<number, FeatureGroup[]>();
  for (const group of groups) {
    const { feature } = readFeatureKey(group.key);
    const known = ofFeature.get(feature);
    if (known === undefined) ofFeature.set(feature, [group]);
    else known.push(group);
  }
  return binnings.map((binning, feature) => countsOf(binning, ofFeature.get(feature) ?? []));
};
