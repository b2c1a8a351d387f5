import type { DuckDBType, DuckDBValue } from '@duckdb/node-api';
import type { FeatureType } from '../evidence/feature-field.ts';
import type { FeatureSchema } from '../evidence/feature-schema.ts';
import type { Duckdb } from './duckdb.ts';
import { type FeatureSlots, layoutOf } from './feature-layout.ts';
import { STATUS_BYTE, type StoredFeatureStatus, statusOfByte } from './feature-status.ts';
import { LOG_COLUMNS, type LogColumnKind, type LogRow } from './log-columns.ts';

/** How one column of an archive is filled from a row of the log. */
export interface ArchiveColumn {
  readonly name: string;
  readonly type: DuckDBType;
  readonly valueOf: (row: LogRow) => DuckDBValue;
}

/** What a row is called beside its numbers, for readers that have nothing but the file. */
export interface RowNames {
  readonly endpoint: string;
  readonly modelVersion: string;
  readonly modelVersionDigest: string;
}

/** Columns of the log that the columns of the features stand for; all others are in an archive as they are. */
const BY_FEATURE = new Set(['numbers', 'integers', 'texts', 'statuses']);
export const OWN_COLUMNS = LOG_COLUMNS.filter(({ name }) => !BY_FEATURE.has(name));

/** The columns of one feature: its value, and whether and how there is one. */
export interface FeatureColumns {
  readonly slots: FeatureSlots;
  readonly value: string;
  readonly status: string;
}

/** Two names that differ in nothing but case would be one column to SQL; the later one gets a number. */
export const featureColumnsOf = ({
  fields,
}: Pick<FeatureSchema, 'fields'>): readonly FeatureColumns[] => {
  const taken = new Map<string, number>();
  return layoutOf(fields).map((slots) => {
    const key = slots.field.name.toLowerCase();
    const count = (taken.get(key) ?? 0) + 1;
    taken.set(key, count);
    const name = count === 1 ? slots.field.name : `${slots.field.name}#${count}`;
    return { slots, value: `feature:${name}`, status: `status:${name}` };
  });
};

const typeOfKind = (duckdb: Duckdb, kind: LogColumnKind): DuckDBType => {
  const { VARCHAR, TIMESTAMPTZ, INTEGER, BIGINT, DOUBLE, BLOB, LIST } = duckdb;
  const types: Readonly<Record<LogColumnKind, DuckDBType>> = {
    text: VARCHAR,
    instant: TIMESTAMPTZ,
    integer: INTEGER,
    bigint: BIGINT,
    double: DOUBLE,
    bytes: BLOB,
    doubles: LIST(DOUBLE),
    bigints: LIST(BIGINT),
    texts: LIST(VARCHAR),
    instants: LIST(TIMESTAMPTZ),
  };
  return types[kind];
};

const typeOfFeature = (duckdb: Duckdb, { field }: FeatureSlots): DuckDBType => {
  const { VARCHAR, TIMESTAMPTZ, BIGINT, DOUBLE, FLOAT, BOOLEAN, LIST } = duckdb;
  const types: Readonly<Record<FeatureType, DuckDBType>> = {
    BOOL: BOOLEAN,
    INT64: BIGINT,
    FP32: FLOAT,
    FP64: DOUBLE,
    STRING: VARCHAR,
    TIMESTAMP: TIMESTAMPTZ,
  };
  return field.shape.length > 0 ? LIST(types[field.type]) : types[field.type];
};

const instantIn = (duckdb: Duckdb, micros: number | bigint | null): DuckDBValue =>
  micros === null ? null : new duckdb.DuckDBTimestampTZValue(BigInt(micros));

const valueOfKind = (duckdb: Duckdb, kind: LogColumnKind, value: unknown): DuckDBValue => {
  if (value === null) return null;
  if (kind === 'instant') return instantIn(duckdb, value as number);
  if (kind === 'bytes') return new duckdb.DuckDBBlobValue(value as Uint8Array);
  if (kind === 'instants') {
    return duckdb.listValue((value as (bigint | null)[]).map((one) => instantIn(duckdb, one)));
  }
  return value as DuckDBValue;
};

const statusOf = (row: LogRow, index: number): StoredFeatureStatus => {
  const byte = (row.statuses as Uint8Array | null)?.[index] ?? STATUS_BYTE.PRESENT;
  const status = statusOfByte(byte);
  if (status === undefined) throw new RangeError(`a status is ${byte}, which is none`);
  return status;
};

const elementIn = (
  duckdb: Duckdb,
  { field }: FeatureSlots,
  stored: number | bigint | string | null,
): DuckDBValue => {
  if (stored === null) return null;
  if (field.type === 'BOOL') return stored === 1n;
  return field.type === 'TIMESTAMP' ? instantIn(duckdb, stored as bigint) : stored;
};

const featureIn = (
  duckdb: Duckdb,
  slots: FeatureSlots,
  index: number,
  row: LogRow,
): DuckDBValue => {
  const { field, column, offset, length } = slots;
  const stored = row[column] as readonly (number | bigint | string | null)[];
  if (field.shape.length === 0) return elementIn(duckdb, slots, stored[offset] ?? null);
  const status = statusOf(row, index);
  if (status !== 'PRESENT' && status !== 'DEFAULTED') return null;
  const elements = stored.slice(offset, offset + length);
  return duckdb.listValue(elements.map((element) => elementIn(duckdb, slots, element)));
};

/** The columns of an archive of one feature schema, in their order. */
export const archiveColumns = (
  duckdb: Duckdb,
  schema: FeatureSchema,
  namesOf: (row: LogRow) => RowNames,
): readonly ArchiveColumn[] => [
  ...OWN_COLUMNS.map(({ name, kind }) => ({
    name,
    type: typeOfKind(duckdb, kind),
    valueOf: (row: LogRow) => valueOfKind(duckdb, kind, row[name]),
  })),
  { name: 'endpoint', type: duckdb.VARCHAR, valueOf: (row) => namesOf(row).endpoint },
  { name: 'model_version', type: duckdb.VARCHAR, valueOf: (row) => namesOf(row).modelVersion },
  {
    name: 'model_version_digest',
    type: duckdb.VARCHAR,
    valueOf: (row) => namesOf(row).modelVersionDigest,
  },
  ...featureColumnsOf(schema).flatMap(({ slots, value, status }, index) => [
    {
      name: value,
      type: typeOfFeature(duckdb, slots),
      valueOf: (row: LogRow) => featureIn(duckdb, slots, index, row),
    },
    { name: status, type: duckdb.VARCHAR, valueOf: (row: LogRow) => statusOf(row, index) },
  ]),
];
