-- A week of one feature schema may be several files, each with the requests between two. `part` is null for the first, so
-- that files that were recorded before keep their leaves and their names in the ledger.
ALTER TABLE "log_archive_file" ADD COLUMN "part" INTEGER;
ALTER TABLE "log_archive_file" ADD CONSTRAINT "log_archive_file_part_check" CHECK ("part" > 0);
ALTER TABLE "log_archive_file" DROP CONSTRAINT "log_archive_file_pkey";
ALTER TABLE "log_archive_file" ADD CONSTRAINT "log_archive_file_pkey" PRIMARY KEY ("archive_id", "feature_schema_id", "first_request_id");

-- A key that is null is no part of a row's name.
CREATE OR REPLACE FUNCTION "commit_row"() RETURNS trigger LANGUAGE plpgsql
SET TimeZone = 'UTC' SET extra_float_digits = 1 SET bytea_output = 'hex' AS $$
DECLARE
  content json := row_to_json(NEW);
BEGIN
  INSERT INTO "ledger_batch" ("source", "row_key", "leaf_count", "leaves", "recorded_at")
  SELECT TG_TABLE_NAME, json_agg(content ->> name ORDER BY place) FILTER (WHERE content ->> name IS NOT NULL)::text, 1,
    sha256(convert_to(TG_TABLE_NAME || E'\n' || json_strip_nulls(content)::text, 'UTF8')), clock_timestamp()
  FROM unnest(TG_ARGV) WITH ORDINALITY AS key (name, place);
  RETURN NULL;
END $$;
DROP TRIGGER "log_archive_file_committed" ON "log_archive_file";
CREATE TRIGGER "log_archive_file_committed" AFTER INSERT ON "log_archive_file" FOR EACH ROW EXECUTE FUNCTION "commit_row"('archive_id', 'feature_schema_id', 'part');
