-- Gives a distributed log that has no week yet the order of columns and the indexes that it has elsewhere.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
  IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'prediction_log'::regclass) THEN RETURN; END IF;
  IF EXISTS (SELECT FROM pg_inherits WHERE inhparent = 'prediction_log'::regclass) THEN RETURN; END IF;
  DROP TABLE "prediction_log";
  CREATE TABLE "prediction_log" (
    "occurred_at" TIMESTAMPTZ(6) NOT NULL,
    "recorded_at" TIMESTAMPTZ(6) NOT NULL,
    "batch_id" BIGINT NOT NULL,
    "score" DOUBLE PRECISION,
    "latency_ms" DOUBLE PRECISION,
    "endpoint_id" INTEGER NOT NULL,
    "item" INTEGER NOT NULL,
    "model_version_id" INTEGER NOT NULL,
    "feature_schema_id" INTEGER NOT NULL,
    "request_id" TEXT COLLATE "C" NOT NULL,
    "entity_key" TEXT COLLATE "C",
    "trace_id" TEXT COLLATE "C",
    "numbers" DOUBLE PRECISION[],
    "integers" BIGINT[],
    "texts" TEXT[],
    "statuses" BYTEA,
    "feature_observed_at" BIGINT[],
    "undeclared" TEXT,
    "label" TEXT COLLATE "C",
    "output" TEXT,
    "digest" BYTEA,
    "salt" BYTEA,
    "sampling_rate" DOUBLE PRECISION,

    CONSTRAINT "prediction_log_item_check" CHECK ("item" >= 0),
    CONSTRAINT "prediction_log_digest_check" CHECK (octet_length("digest") = 32),
    CONSTRAINT "prediction_log_erased_check" CHECK (("salt" IS NULL) = ("digest" IS NULL)),
    CONSTRAINT "prediction_log_sampling_rate_check" CHECK ("sampling_rate" >= 1e-9 AND "sampling_rate" < 1)
  ) PARTITION BY RANGE ("occurred_at");
  ALTER TABLE "prediction_log" ADD CONSTRAINT "prediction_log_pkey"
    PRIMARY KEY ("request_id", "occurred_at", "endpoint_id", "item") WITH (fillfactor = 100);
  CREATE INDEX "prediction_log_model_version_id_occurred_at_idx" ON "prediction_log" ("model_version_id", "occurred_at")
    WITH (fillfactor = 100);
  CREATE INDEX "prediction_log_occurred_at_idx" ON "prediction_log" USING BRIN ("occurred_at");
  CREATE INDEX "prediction_log_batch_id_idx" ON "prediction_log" USING BRIN ("batch_id");
  CREATE INDEX "prediction_log_entity_key_occurred_at_idx" ON "prediction_log" (hashtextextended("entity_key", 0), "occurred_at");
  CREATE INDEX "prediction_log_trace_id_idx" ON "prediction_log" (hashtextextended("trace_id", 0));
  PERFORM create_distributed_table('prediction_log', 'request_id', colocate_with => 'prediction_outcome');
END $$;
