import { notAPackageName, parsePackageName } from '../evidence/runtime-environment.ts';
import { argumentError } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import { comparableText } from '../platform/storable-text.ts';
import { TimeWindowInput } from '../platform/time-window.ts';
import { type EvidenceGap, listed } from './finding.ts';
import { findVertex } from './lineage-object.ts';
import type { Vertex } from './lineage-walk.ts';

/** Most objects that one question may begin at. */
const MAX_ROOTS = 1000;

const ImpactPackageInput = builder.inputType('ImpactPackageInput', {
  description: 'Package versions: every environment that has one of them installed.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: 'Package URL without version, such as `pkg:pypi/numpy`.',
    }),
    versions: t.stringList({
      description: 'Exact versions, 1 to 100; every version when omitted.',
    }),
  }),
});

const ImpactDataInput = builder.inputType('ImpactDataInput', {
  description:
    'An interval of a dataset: every snapshot of that name whose covered events overlap it.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: 'Dataset name, such as `payments.labelled`.',
    }),
    eventTime: t.field({
      type: TimeWindowInput,
      required: true,
      description: 'When the events took place.',
    }),
  }),
});

export const ImpactRootInput = builder.inputType('ImpactRoot', {
  description: 'What the question begins at.',
  isOneOf: true,
  fields: (t) => ({
    id: t.globalID({
      description:
        'Global ID of a commit, schema, snapshot, environment, artifact, model version or deployment.',
    }),
    package: t.field({ type: ImpactPackageInput, description: 'Package versions.' }),
    data: t.field({ type: ImpactDataInput, description: 'An interval of a dataset.' }),
  }),
});

export type ImpactRoot = typeof ImpactRootInput.$inferInput;

/** Where an impact question begins, and what may be missing from that. */
export interface Roots {
  readonly vertices: readonly Vertex[];
  readonly gaps: readonly EvidenceGap[];
}

const refusal = (path: readonly string[], message: string) =>
  argumentError({ path: ['of', ...path], message });

const environmentsWith = async (
  database: Database,
  { name, versions }: typeof ImpactPackageInput.$inferInput,
): Promise<readonly Vertex[]> => {
  const canonical = parsePackageName(name);
  if (canonical === null) throw refusal(['package', 'name'], notAPackageName(name));
  if (versions != null && (versions.length < 1 || versions.length > 100)) {
    throw refusal(
      ['package', 'versions'],
      `Give 1 to 100 versions; ${versions.length} were given.`,
    );
  }
  const rows = await database.query<{ id: number }>({
    name: 'environments_with_package',
    text: `SELECT DISTINCT runtime_environment_id AS id FROM runtime_package
      WHERE name = $1 AND ($2::text[] IS NULL OR version = ANY($2)) ORDER BY 1 LIMIT ${MAX_ROOTS + 1}`,
    values: [canonical, versions?.map(comparableText) ?? null],
  });
  return rows.map(({ id }) => ({ kind: 'RUNTIME_ENVIRONMENT', key: String(id) }));
};

interface SnapshotRow {
  readonly id: number;
  readonly digest: string;
  readonly from: Instant | null;
  readonly to: Instant | null;
}

const snapshotsCovering = async (
  database: Database,
  { name, eventTime }: typeof ImpactDataInput.$inferInput,
): Promise<Roots> => {
  const { from, to } = eventTime;
  if (from != null && to != null && from >= to) {
    throw refusal(['data', 'eventTime'], 'The window is empty: `from` must lie before `to`.');
  }
  const rows = await database.query<SnapshotRow>({
    name: 'snapshots_covering',
    text: `SELECT id, digest, event_time_from AS "from", event_time_to AS "to" FROM dataset_snapshot
      WHERE name = $1 AND (event_time_from IS NULL OR event_time_from < $3::timestamptz)
        AND (event_time_to IS NULL OR event_time_to > $2::timestamptz) ORDER BY id LIMIT ${MAX_ROOTS + 1}`,
    values: [
      comparableText(name),
      from == null ? '-infinity' : formatInstant(from),
      to == null ? 'infinity' : formatInstant(to),
    ],
  });
  const unknown = rows.filter((row) => row.from === null || row.to === null);
  const message = `Of ${name}, ${unknown.length === 1 ? 'a snapshot does' : `${unknown.length} snapshots do`} not state which events ${unknown.length === 1 ? 'it covers' : 'they cover'} and may or may not hold the interval; counted as affected: ${listed(
    unknown.map(({ digest }) => digest),
    5,
  )}.`;
  return {
    vertices: rows.map(({ id }) => ({ kind: 'DATASET_SNAPSHOT', key: String(id) })),
    gaps: unknown.length === 0 ? [] : [{ subject: 'eventTime', reason: 'NEVER_RECORDED', message }],
  };
};

/** The objects that a question begins at; none when there are none. */
const rootsOf = async (context: Context, root: ImpactRoot): Promise<Roots> => {
  if (root.package != null) {
    return { vertices: await environmentsWith(context.database, root.package), gaps: [] };
  }
  if (root.data != null) return snapshotsCovering(context.database, root.data);
  const vertex = root.id == null ? null : await findVertex(context, root.id);
  return { vertices: vertex === null ? [] : [vertex], gaps: [] };
};

/** The same, refusing what has no impact or begins at too much. */
export const findRoots = async (context: Context, root: ImpactRoot): Promise<Roots> => {
  const roots = await rootsOf(context, root);
  if (roots.vertices.length > MAX_ROOTS) {
    throw refusal(
      [],
      `More than ${MAX_ROOTS} objects match; ask more narrowly, such as for one version.`,
    );
  }
  if (roots.vertices.some(({ kind }) => kind === 'PREDICTION')) {
    throw refusal(['id'], 'Nothing is made from a prediction; ask about what it was made from.');
  }
  return roots;
};
