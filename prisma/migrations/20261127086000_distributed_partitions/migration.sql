-- Spreads a table made like the log over the nodes where the log is, before rows are put into it: Citus would leave a
-- copy of the rows of an ordinary table on the coordinator when it is attached, where no erasure reaches it.
CREATE FUNCTION "distribute_like_log"("week" REGCLASS) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN RETURN; END IF;
  IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'prediction_log'::regclass) THEN RETURN; END IF;
  PERFORM set_config('citus.multi_shard_modify_mode', 'sequential', true);
  PERFORM create_distributed_table("week", 'request_id', colocate_with => 'prediction_log');
END $$;

-- Bytes of a partition with its indexes, on whatever nodes it is.
CREATE FUNCTION "log_partition_size"("week" REGCLASS) RETURNS BIGINT LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
    IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = "week") THEN RETURN citus_total_relation_size("week"); END IF;
  END IF;
  RETURN pg_total_relation_size("week");
END $$;
