import type { FeatureSchema } from '../evidence/feature-schema.ts';
import type { FeatureSlots } from '../prediction/feature-layout.ts';
import { codecOf } from '../prediction/schema-codec.ts';
import type { Parameter } from '../prediction/sql-condition.ts';
import type { Binning } from './feature-binning.ts';
import { CODE, FEATURE_UNIT, ROW_STATUS, STALE, STATUS_UNIT, UNSEEN } from './feature-key.ts';

/** A feature whose values are counted by bin. */
export interface CountedFeature {
  readonly name: string;
  readonly binning: Binning;
}

/** The expressions of one feature, in two steps: a value is taken out of its array once, and then looked at often. */
export interface FeatureExpressions {
  /** Over rows `r`: the status with its flags, and the value. */
  readonly status: string;
  readonly value: string;
  /** Over what the first step made, called `s` and `x` with the place of the feature: the key of its group. */
  readonly key: string;
  /** The category, where the feature has categories and this is one of them. */
  readonly category: string | null;
}

interface Slot extends FeatureSlots {
  readonly position: number;
  readonly schemaId: number;
}

const slotsOf = (schemas: readonly FeatureSchema[], name: string): readonly Slot[] =>
  schemas.flatMap((schema) => {
    const { layout } = codecOf(schema);
    const position = layout.findIndex(({ field }) => field.name === name);
    const slots = layout[position];
    return slots === undefined ? [] : [{ ...slots, position, schemaId: schema.id }];
  });

/** An expression by the schema of the row. */
const bySchema = (
  slots: readonly Slot[],
  otherwise: string,
  expression: (slot: Slot) => string,
): string => {
  const cases = slots.map((slot) => `WHEN ${slot.schemaId} THEN ${expression(slot)}`);
  return cases.length === 0
    ? otherwise
    : `CASE r.feature_schema_id ${cases.join(' ')} ELSE ${otherwise} END`;
};

const statusAt = ({ field, position }: Slot): string => {
  const status = `get_byte(r.statuses, ${position}) * ${STATUS_UNIT}`;
  if (field.maxAgeSeconds === null) return status;
  const age = `r.occurred - r.observed[${position + 1}]`;
  return `${status} + CASE WHEN ${age} > ${field.maxAgeSeconds * 1_000_000} THEN ${STALE} ELSE 0 END`;
};

/** A scalar as it is compared: as text with categories, else as a number. Arrays of SQL begin at 1. */
const scalarAt = ({ field, column, offset }: Slot, { categories }: Binning): string => {
  const value = `r.${column}[${offset + 1}]`;
  if (categories === null) {
    return column === 'integers' ? `${value}::float8` : value;
  }
  return field.type === 'BOOL'
    ? `CASE ${value} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END`
    : `${value}::text`;
};

/** A value with elements as its code. */
const vectorAt = ({ column, offset, length }: Slot): string => {
  const elements = `r.${column}[${offset + 1}:${offset + length}]`;
  const holds = (value: string) => `array_position(${elements}, ${value}) IS NOT NULL`;
  const ofFloats =
    column === 'numbers'
      ? `WHEN ${holds("'NaN'::float8")} THEN ${CODE.NAN}
        WHEN ${holds("'Infinity'::float8")} OR ${holds("'-Infinity'::float8")} THEN ${CODE.HAS_INFINITE_ELEMENT}`
      : '';
  return `CASE ${ofFloats} WHEN ${holds('NULL')} THEN ${CODE.HAS_NULL_ELEMENT} ELSE ${CODE.VALUE} END`;
};

const numberCode = (x: string, { edges, range }: Binning, parameter: Parameter): string => {
  const [first = null, last = null] = [edges?.[0], edges?.at(-1)];
  const isUnseen =
    range === null
      ? 'FALSE'
      : `${x} < ${parameter(range.min, 'float8')} OR ${x} > ${parameter(range.max, 'float8')}`;
  const bucket =
    edges === null
      ? String(CODE.VALUE)
      : `width_bucket(${x}, ${parameter([...edges], 'float8[]')})`;
  // What training saw is most of what there is. The last bin is closed, those of width_bucket are open above.
  const usual =
    range === null || first === null || last === null
      ? ''
      : `WHEN ${x} >= ${parameter(Math.max(first, range.min), 'float8')}
          AND ${x} < ${parameter(Math.min(last, range.max), 'float8')} THEN ${bucket}`;
  const closed =
    edges === null ? '' : `WHEN ${x} = ${parameter(last, 'float8')} THEN ${edges.length - 1}`;
  return `CASE ${usual} WHEN ${x} IS NULL THEN ${CODE.NOTHING} WHEN ${x} = 'NaN' THEN ${CODE.NAN}
    ELSE CASE WHEN ${isUnseen} THEN ${UNSEEN} ELSE 0 END + CASE ${closed}
      WHEN ${x} = 'Infinity' THEN ${CODE.POSITIVE_INFINITY}
      WHEN ${x} = '-Infinity' THEN ${CODE.NEGATIVE_INFINITY} ELSE ${bucket} END END`;
};

/** A value for which only presence is compared, as its code. */
const presenceAt = (slot: Slot): string => {
  if (slot.field.shape.length > 0) return vectorAt(slot);
  const value = `r.${slot.column}[${slot.offset + 1}]`;
  const ofFloats =
    slot.column === 'numbers'
      ? `WHEN ${value} = 'NaN' THEN ${CODE.NAN} WHEN ${value} = 'Infinity' THEN ${CODE.POSITIVE_INFINITY}
        WHEN ${value} = '-Infinity' THEN ${CODE.NEGATIVE_INFINITY}`
      : '';
  return `CASE WHEN ${value} IS NULL THEN ${CODE.NOTHING} ${ofFloats} ELSE ${CODE.VALUE} END`;
};

/** How the feature at this place among all that are counted is read from rows of these schemas. */
export const featureExpressions = (
  { name, binning }: CountedFeature,
  place: number,
  schemas: readonly FeatureSchema[],
  parameter: Parameter,
): FeatureExpressions => {
  const slots = slotsOf(schemas, name);
  const declared = bySchema(slots, String(ROW_STATUS.UNDECLARED * STATUS_UNIT), statusAt);
  const status = `CASE WHEN r.fits THEN ${declared} ELSE ${ROW_STATUS.UNREADABLE * STATUS_UNIT} END`;
  const x = `x${place}`;
  const keyWith = (code: string): string => `${place * FEATURE_UNIT} + s${place} + ${code}`;
  const scalar = (type: string): string =>
    `(${bySchema(slots, 'NULL', (slot) => scalarAt(slot, binning))})::${type}`;
  if (binning.categories !== null) {
    const known = parameter([...binning.categories], 'text[]');
    const presence = `CASE WHEN ${x} IS NULL THEN ${CODE.NOTHING} ELSE ${CODE.VALUE} END`;
    const category = `CASE WHEN ${x} = ANY(${known}) THEN ${x} END`;
    return { status, value: scalar('text'), key: keyWith(presence), category };
  }
  if (binning.edges !== null || binning.range !== null) {
    const code = numberCode(x, binning, parameter);
    return { status, value: scalar('float8'), key: keyWith(code), category: null };
  }
  // Its type may differ between schemas, so that there is no one type of value.
  const value = bySchema(slots, String(CODE.NOTHING), presenceAt);
  return { status, value, key: keyWith(x), category: null };
};
