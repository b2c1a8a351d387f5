/** A table each row of which is an entry of the ledger by itself, with the columns that name a row where they are not null. */
export interface CommittedTable {
  readonly table: string;
  readonly keys: readonly string[];
}

const table = (name: string, ...keys: readonly string[]): CommittedTable => ({ table: name, keys });

/** Every table but those of records (`prediction_log`, `prediction_outcome`), whose rows share an entry. */
export const COMMITTED_TABLES: readonly CommittedTable[] = [
  table('code_commit', 'id'),
  table('feature_schema', 'id'),
  table('feature_field', 'feature_schema_id', 'position'),
  table('feature_transformation', 'feature_schema_id', 'field_position', 'position'),
  table('dataset_snapshot', 'id'),
  table('dataset_derivation', 'derived_id', 'source_id'),
  table('feature_statistics', 'dataset_snapshot_id', 'feature'),
  table('runtime_environment', 'id'),
  table('runtime_package', 'runtime_environment_id', 'purl'),
  table('artifact', 'id'),
  table('evidence_location', 'digest', 'uri'),
  table('model', 'id'),
  table('model_version', 'id'),
  table('dataset_use', 'model_version_id', 'role', 'dataset_snapshot_id'),
  table('artifact_use', 'model_version_id', 'role', 'artifact_id'),
  table('metric', 'id'),
  table('lifecycle_transition', 'model_version_id', 'sequence'),
  table('endpoint', 'id'),
  table('deployment', 'id'),
  table('deployment_fact', 'deployment_id', 'sequence'),
  table('sampling_fact', 'endpoint_id', 'sequence'),
  table('prediction_conflict', 'request_id', 'occurred_at', 'endpoint_id', 'item', 'digest'),
  table('signing_key', 'key_id'),
  table('erasure', 'id'),
  table('erased_record', 'batch_id', 'commitment'),
  table('api_key', 'id'),
  table('api_key_revocation', 'api_key_id'),
  table('sensitive_read', 'id'),
  table('retention_policy', 'id'),
  table('legal_hold', 'id'),
  table('legal_hold_release', 'hold_id'),
  table('log_archive', 'id'),
  table('log_archive_file', 'archive_id', 'feature_schema_id', 'part'),
  table('log_restoration', 'archive_id'),
];

/** The committed table of a name. */
export const committedTable = (name: string): CommittedTable => {
  const found = COMMITTED_TABLES.find((one) => one.table === name);
  if (found === undefined) throw new Error(`${name} has no entries of its own in the ledger.`);
  return found;
};

/** SQL for the JSON array that names row `t`, as the database wrote it when the row was inserted. */
export const rowKeySql = ({ keys }: CommittedTable): string =>
  `(SELECT json_agg(row_to_json(t) ->> name ORDER BY place) FILTER (WHERE row_to_json(t) ->> name IS NOT NULL)::text
    FROM unnest(ARRAY[${keys.map((key) => `'${key}'`).join(', ')}]) WITH ORDINALITY AS key (name, place))`;

/** SQL for what the leaf of row `t` is the SHA-256 of, in UTF-8. */
export const rowTextSql = ({ table: name }: CommittedTable): string =>
  `'${name}' || E'\\n' || json_strip_nulls(row_to_json(t))::text`;

/** The name of a row whose keys are numbers. */
export const rowKeyOf = (...keys: readonly number[]): string =>
  `[${keys.map((key) => `"${key}"`).join(', ')}]`;
