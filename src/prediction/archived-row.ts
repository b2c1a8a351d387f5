import { type FeatureColumns, OWN_COLUMNS } from './archive-layout.ts';
import type { FeatureSlots } from './feature-layout.ts';
import { STATUS_BYTE, type StoredFeatureStatus } from './feature-status.ts';
import type { LogColumnKind, LogRow } from './log-columns.ts';

interface Items {
  readonly items?: readonly unknown[];
}

interface Micros {
  readonly micros: bigint;
}

const valueFrom = (kind: LogColumnKind, value: unknown): unknown => {
  if (value === null) return null;
  if (kind === 'instant') return Number((value as Micros).micros);
  if (kind === 'bytes') return new Uint8Array((value as { readonly bytes: Uint8Array }).bytes);
  if (kind === 'instants') {
    const { items } = value as { readonly items: readonly (Micros | null)[] };
    return items.map((item) => item?.micros ?? null);
  }
  return value;
};

const elementFrom = ({ field }: FeatureSlots, value: unknown): unknown => {
  if (value === null) return null;
  if (field.type === 'BOOL') return value === true ? 1n : 0n;
  return field.type === 'TIMESTAMP' ? (value as Micros).micros : value;
};

const featuresFrom = (
  features: readonly FeatureColumns[],
  cells: ReadonlyMap<string, unknown>,
): LogRow => {
  const arrays: Record<FeatureSlots['column'], unknown[]> = {
    numbers: [],
    integers: [],
    texts: [],
  };
  const statuses = features.map(({ slots, value, status }) => {
    const cell = cells.get(value) ?? null;
    const items =
      slots.field.shape.length === 0
        ? [cell]
        : ((cell as Items | null)?.items ?? new Array<null>(slots.length).fill(null));
    arrays[slots.column].push(...items.map((item) => elementFrom(slots, item)));
    return STATUS_BYTE[cells.get(status) as StoredFeatureStatus];
  });
  const isPlain = statuses.every((status) => status === STATUS_BYTE.PRESENT);
  return { ...arrays, statuses: isPlain ? null : Uint8Array.from(statuses) };
};

/** A row of the log from the cells of an archive by name. */
export const rowFromArchive = (
  features: readonly FeatureColumns[],
  cells: ReadonlyMap<string, unknown>,
): LogRow => ({
  ...Object.fromEntries(
    OWN_COLUMNS.map(({ name, kind }) => [name, valueFrom(kind, cells.get(name) ?? null)]),
  ),
  ...featuresFrom(features, cells),
});
