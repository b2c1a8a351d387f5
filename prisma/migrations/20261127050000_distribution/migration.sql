-- Spreads the records over the nodes where Citus is, by the request that every lookup names. All else stays on the
-- coordinator, where triggers hold. Does nothing without Citus or when it is done: call it again after the extension came.
CREATE FUNCTION "distribute_records"() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
  IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'prediction_log'::regclass) THEN RETURN; END IF;
  PERFORM set_config('citus.multi_shard_modify_mode', 'sequential', true);
  PERFORM create_distributed_table('prediction_log', 'request_id');
  PERFORM create_distributed_table('prediction_outcome', 'request_id', colocate_with => 'prediction_log');
END $$;
SELECT "distribute_records"();

-- The newest predictions of one version before an instant; the endpoint and the schema may be left open. Reads the index
-- of the version by time, newest first, so no more than it gives. A function, because Citus joins no row of the
-- coordinator with a limited selection of the log, but runs one for each.
CREATE FUNCTION "newest_predictions"("version" INTEGER, "endpoint" INTEGER, "schema" INTEGER, "since" TIMESTAMPTZ, "until" TIMESTAMPTZ, "most" INTEGER)
RETURNS TABLE ("request_id" TEXT, "occurred_at" TIMESTAMPTZ, "endpoint_id" INTEGER, "item" INTEGER, "feature_schema_id" INTEGER)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY SELECT l."request_id", l."occurred_at", l."endpoint_id", l."item", l."feature_schema_id" FROM "prediction_log" l
    WHERE l."model_version_id" = "version" AND l."occurred_at" >= "since" AND l."occurred_at" < "until"
      AND ("endpoint" IS NULL OR l."endpoint_id" = "endpoint") AND ("schema" IS NULL OR l."feature_schema_id" = "schema")
    ORDER BY l."occurred_at" DESC LIMIT "most";
END $$;
