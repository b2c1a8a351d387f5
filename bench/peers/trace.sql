SELECT json_build_object(
  'prediction', json_build_object('requestId', l.request_id, 'item', l.item, 'traceId', l.trace_id,
    'entityKey', l.entity_key, 'occurredAt', l.occurred_at, 'recordedAt', l.recorded_at,
    'digest', 'sha256:' || encode(l.digest, 'hex'), 'score', l.score, 'label', l.label, 'output', l.output::json,
    'latencyMs', l.latency_ms, 'endpoint', json_build_object('name', e.name, 'environment', e.environment),
    'outcome', (SELECT json_build_object('label', o.label, 'value', o.value, 'observedAt', o.observed_at)
      FROM prediction_outcome o
      WHERE o.request_id = l.request_id AND o.endpoint_id = l.endpoint_id AND o.item = l.item
      ORDER BY o.observed_at DESC, o.recorded_at DESC LIMIT 1)),
  'deployment', (SELECT json_build_object('role', d.role, 'trafficShare', f.traffic_share, 'startedAt', f.started_at,
      'endedAt', f.ended_at, 'endReason', f.end_reason, 'reason', f.reason, 'actor', f.actor)
    FROM deployment d JOIN LATERAL (SELECT * FROM deployment_fact f WHERE f.deployment_id = d.id
      ORDER BY f.sequence DESC LIMIT 1) f ON true
    WHERE d.endpoint_id = l.endpoint_id AND d.model_version_id = l.model_version_id AND NOT f.is_retracted
      AND f.started_at <= l.occurred_at AND (f.ended_at IS NULL OR l.occurred_at < f.ended_at)
    ORDER BY d.role LIMIT 1),
  'stageAtPrediction', (SELECT t.to_stage FROM lifecycle_transition t
    WHERE t.model_version_id = l.model_version_id AND t.occurred_at <= l.occurred_at
      AND NOT EXISTS (SELECT FROM lifecycle_transition c
        WHERE c.model_version_id = t.model_version_id AND c.corrects_sequence = t.sequence)
    ORDER BY t.occurred_at DESC, t.sequence DESC LIMIT 1),
  'modelVersion', json_build_object('model', json_build_object('name', m.name), 'semver', v.semver, 'digest', v.digest,
    'recordedBy', v.recorded_by, 'hyperparameters', v.hyperparameters::json,
    'featureSchema', json_build_object('name', x.name, 'semver', x.semver, 'digest', x.digest)),
  'commit', json_build_object('repository', c.repository, 'oid', c.oid, 'isDirty', c.is_dirty,
    'messageHeadline', c.message_headline, 'author', c.author, 'committedAt', c.committed_at),
  'featureSchema', json_build_object('name', s.name, 'semver', s.semver, 'digest', s.digest),
  'fields', (SELECT json_agg(json_build_object('name', f.name, 'type', f.type, 'isNullable', f.is_nullable,
      'shape', f.shape, 'description', f.description, 'transformations',
      (SELECT coalesce(json_agg(json_build_object('function', t.function, 'version', t.version, 'inputs', t.inputs,
          'parameters', t.parameters::json) ORDER BY t.position), '[]')
        FROM feature_transformation t
        WHERE t.feature_schema_id = f.feature_schema_id AND t.field_position = f.position)) ORDER BY f.position)
    FROM feature_field f WHERE f.feature_schema_id = l.feature_schema_id),
  'values', json_build_object('numbers', l.numbers, 'integers', l.integers, 'texts', l.texts,
    'statuses', encode(l.statuses, 'hex'), 'observedAt', l.feature_observed_at),
  'datasets', (SELECT json_agg(json_build_object('role', u.role, 'snapshot', json_build_object('name', d.name,
      'digest', d.digest, 'rowCount', d.row_count, 'eventTimeFrom', d.event_time_from, 'eventTimeTo', d.event_time_to))
      ORDER BY u.role, d.id)
    FROM dataset_use u JOIN dataset_snapshot d ON d.id = u.dataset_snapshot_id WHERE u.model_version_id = v.id),
  'environment', json_build_object('runtime', r.runtime, 'platform', r.platform, 'threads', r.threads, 'digest', r.digest),
  'artifacts', (SELECT json_agg(json_build_object('role', u.role, 'artifact', json_build_object('digest', a.digest,
      'mediaType', a.media_type, 'sizeBytes', a.size_bytes)) ORDER BY u.role, a.id)
    FROM artifact_use u JOIN artifact a ON a.id = u.artifact_id WHERE u.model_version_id = v.id)
)::text AS trace
FROM prediction_log l
JOIN endpoint e ON e.id = l.endpoint_id
JOIN model_version v ON v.id = l.model_version_id
JOIN model m ON m.id = v.model_id
JOIN code_commit c ON c.id = v.code_commit_id
JOIN feature_schema s ON s.id = l.feature_schema_id
JOIN feature_schema x ON x.id = v.feature_schema_id
JOIN runtime_environment r ON r.id = v.runtime_environment_id
WHERE l.request_id = $1 AND e.name = $2 AND e.environment = $3 AND l.item = 0
