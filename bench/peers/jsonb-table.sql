-- What one would write without Hindcast: names as text, features and output as jsonb, one primary key.
CREATE TABLE plain_prediction (
  request_id text COLLATE "C", occurred_at timestamptz(6), endpoint text, item integer, model_version text,
  feature_schema text, entity_key text, trace_id text, features jsonb, score double precision, label text,
  output jsonb, latency_ms double precision, recorded_at timestamptz(6) DEFAULT clock_timestamp(),
  PRIMARY KEY (request_id, occurred_at, endpoint, item)
);
CREATE TABLE line (record jsonb);
-- The same, found by what the log is found by.
CREATE TABLE indexed_prediction (LIKE plain_prediction INCLUDING ALL);
CREATE INDEX ON indexed_prediction (model_version, occurred_at);
CREATE INDEX ON indexed_prediction (entity_key, occurred_at);
CREATE INDEX ON indexed_prediction (trace_id);
CREATE INDEX ON indexed_prediction USING brin (occurred_at);
