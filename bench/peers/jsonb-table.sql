-- What one would write without Hindcast: names as text, features and output as jsonb, one primary key.
CREATE TABLE plain_prediction (
  request_id text COLLATE "C", occurred_at timestamptz(6), endpoint text, item integer, model_version text,
  feature_schema text, entity_key text, trace_id text, features jsonb, score double precision, label text,
  output jsonb, latency_ms double precision, recorded_at timestamptz(6) DEFAULT clock_timestamp(),
  PRIMARY KEY (request_id, occurred_at, endpoint, item)
);
CREATE TABLE line (record jsonb);
