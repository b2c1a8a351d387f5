-- Everything that is recorded is committed to: a leaf for each row, leaves gathered in batches, batches in one Merkle tree.
CREATE TABLE "ledger_batch" (
    "id" BIGSERIAL NOT NULL,
    "source" TEXT COLLATE "C" NOT NULL,
    "row_key" TEXT COLLATE "C",
    "leaf_count" INTEGER NOT NULL,
    "leaves" BYTEA NOT NULL,
    "recorded_at" TIMESTAMPTZ(6) NOT NULL,
    "leaf_index" BIGINT,

    CONSTRAINT "ledger_batch_pkey" PRIMARY KEY ("id")
);

CREATE UNIQUE INDEX "ledger_batch_source_row_key_key" ON "ledger_batch"("source", "row_key");
CREATE UNIQUE INDEX "ledger_batch_leaf_index_key" ON "ledger_batch"("leaf_index");
ALTER TABLE "ledger_batch" ADD CONSTRAINT "ledger_batch_leaves_check" CHECK ("leaf_count" > 0 AND octet_length("leaves") = 32 * "leaf_count");
-- Hashes do not compress.
ALTER TABLE "ledger_batch" ALTER COLUMN "leaves" SET STORAGE EXTERNAL;

CREATE TABLE "ledger_node" (
    "level" SMALLINT NOT NULL,
    "node_index" BIGINT NOT NULL,
    "hash" BYTEA NOT NULL,

    CONSTRAINT "ledger_node_pkey" PRIMARY KEY ("level", "node_index")
);

CREATE TABLE "checkpoint" (
    "tree_size" BIGINT NOT NULL,
    "note" TEXT NOT NULL,
    "signed_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "checkpoint_pkey" PRIMARY KEY ("tree_size")
);

CREATE TABLE "signing_key" (
    "key_id" TEXT COLLATE "C" NOT NULL,
    "name" TEXT NOT NULL,
    "verifier_key" TEXT NOT NULL,
    "recorded_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "signing_key_pkey" PRIMARY KEY ("key_id")
);

CREATE TABLE "erasure" (
    "id" SERIAL NOT NULL,
    "legal_basis" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "predictions" INTEGER NOT NULL,
    "outcomes" INTEGER NOT NULL,
    "conflicts" INTEGER NOT NULL,
    "rejected_records" INTEGER NOT NULL,
    "recorded_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "erasure_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "erased_record" (
    "batch_id" BIGINT NOT NULL,
    "commitment" BYTEA NOT NULL,
    "erasure_id" INTEGER NOT NULL,
    "request_id" TEXT COLLATE "C" NOT NULL,
    "endpoint_id" INTEGER NOT NULL,
    "item" INTEGER NOT NULL,

    CONSTRAINT "erased_record_pkey" PRIMARY KEY ("batch_id", "commitment")
);

CREATE INDEX "erased_record_request_id_idx" ON "erased_record"("request_id");
CREATE INDEX "erased_record_erasure_id_idx" ON "erased_record"("erasure_id");
ALTER TABLE "erased_record" ADD CONSTRAINT "erased_record_erasure_id_fkey" FOREIGN KEY ("erasure_id") REFERENCES "erasure"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "erased_record" ADD CONSTRAINT "erased_record_batch_id_fkey" FOREIGN KEY ("batch_id") REFERENCES "ledger_batch"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "erased_record" ADD CONSTRAINT "erased_record_endpoint_id_fkey" FOREIGN KEY ("endpoint_id") REFERENCES "endpoint"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- A record's leaf is SHA-256(salt || digest). What is erased has neither any more, so that nobody can guess it back.
ALTER TABLE "prediction_log" ADD COLUMN "salt" BYTEA, ADD COLUMN "batch_id" BIGINT, ALTER COLUMN "digest" DROP NOT NULL;
ALTER TABLE "prediction_outcome" ADD COLUMN "salt" BYTEA, ADD COLUMN "batch_id" BIGINT;
ALTER TABLE "prediction_conflict" ADD COLUMN "salt" BYTEA NOT NULL DEFAULT uuid_send(gen_random_uuid());

-- What one append recorded has one record time: these were its batches.
UPDATE "prediction_log" SET "salt" = uuid_send(gen_random_uuid());
INSERT INTO "ledger_batch" ("source", "leaf_count", "leaves", "recorded_at")
SELECT 'prediction_log', count(*), string_agg(sha256("salt" || "digest"), ''::bytea ORDER BY sha256("salt" || "digest")), "recorded_at"
FROM "prediction_log" GROUP BY "recorded_at" ORDER BY "recorded_at";
UPDATE "prediction_log" l SET "batch_id" = b."id" FROM "ledger_batch" b WHERE b."source" = 'prediction_log' AND b."recorded_at" = l."recorded_at";

UPDATE "prediction_outcome" SET "salt" = uuid_send(gen_random_uuid());
INSERT INTO "ledger_batch" ("source", "leaf_count", "leaves", "recorded_at")
SELECT 'prediction_outcome', count(*), string_agg(sha256("salt" || "digest"), ''::bytea ORDER BY sha256("salt" || "digest")), "recorded_at"
FROM "prediction_outcome" GROUP BY "recorded_at" ORDER BY "recorded_at";
UPDATE "prediction_outcome" o SET "batch_id" = b."id" FROM "ledger_batch" b WHERE b."source" = 'prediction_outcome' AND b."recorded_at" = o."recorded_at";

ALTER TABLE "prediction_log" ALTER COLUMN "batch_id" SET NOT NULL, ADD CONSTRAINT "prediction_log_erased_check" CHECK (("salt" IS NULL) = ("digest" IS NULL));
ALTER TABLE "prediction_outcome" ALTER COLUMN "salt" SET NOT NULL, ALTER COLUMN "batch_id" SET NOT NULL;
CREATE INDEX "prediction_log_batch_id_idx" ON "prediction_log" USING BRIN ("batch_id");
CREATE INDEX "prediction_outcome_batch_id_idx" ON "prediction_outcome" USING BRIN ("batch_id");

-- The leaf of any other row is the SHA-256 of its table's name, a newline and its columns as JSON without nulls, so that
-- a column added later changes no leaf. The settings fix the text of times, floats and bytes.
CREATE FUNCTION "commit_row"() RETURNS trigger LANGUAGE plpgsql
SET TimeZone = 'UTC' SET extra_float_digits = 1 SET bytea_output = 'hex' AS $$
DECLARE
  content json := row_to_json(NEW);
BEGIN
  INSERT INTO "ledger_batch" ("source", "row_key", "leaf_count", "leaves", "recorded_at")
  SELECT TG_TABLE_NAME, json_agg(content ->> name ORDER BY place)::text, 1,
    sha256(convert_to(TG_TABLE_NAME || E'\n' || json_strip_nulls(content)::text, 'UTF8')), clock_timestamp()
  FROM unnest(TG_ARGV) WITH ORDINALITY AS key (name, place);
  RETURN NULL;
END $$;

CREATE PROCEDURE "commit_rows_of"(target text, VARIADIC keys text[]) LANGUAGE plpgsql
SET TimeZone = 'UTC' SET extra_float_digits = 1 SET bytea_output = 'hex' AS $$
BEGIN
  EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %I FOR EACH ROW EXECUTE FUNCTION "commit_row"(%s)',
    target || '_committed', target, (SELECT string_agg(quote_literal(key), ', ') FROM unnest(keys) AS key));
  EXECUTE format('INSERT INTO "ledger_batch" ("source", "row_key", "leaf_count", "leaves", "recorded_at")
    SELECT %1$L, (SELECT json_agg(row_to_json(t) ->> name ORDER BY place)::text FROM unnest($1) WITH ORDINALITY AS key (name, place)),
      1, sha256(convert_to(%1$L || E''\n'' || json_strip_nulls(row_to_json(t))::text, ''UTF8'')), clock_timestamp()
    FROM %1$I t', target) USING keys;
END $$;

CALL "commit_rows_of"('code_commit', 'id');
CALL "commit_rows_of"('feature_schema', 'id');
CALL "commit_rows_of"('feature_field', 'feature_schema_id', 'position');
CALL "commit_rows_of"('feature_transformation', 'feature_schema_id', 'field_position', 'position');
CALL "commit_rows_of"('dataset_snapshot', 'id');
CALL "commit_rows_of"('dataset_derivation', 'derived_id', 'source_id');
CALL "commit_rows_of"('feature_statistics', 'dataset_snapshot_id', 'feature');
CALL "commit_rows_of"('runtime_environment', 'id');
CALL "commit_rows_of"('runtime_package', 'runtime_environment_id', 'purl');
CALL "commit_rows_of"('artifact', 'id');
CALL "commit_rows_of"('evidence_location', 'digest', 'uri');
CALL "commit_rows_of"('model', 'id');
CALL "commit_rows_of"('model_version', 'id');
CALL "commit_rows_of"('dataset_use', 'model_version_id', 'role', 'dataset_snapshot_id');
CALL "commit_rows_of"('artifact_use', 'model_version_id', 'role', 'artifact_id');
CALL "commit_rows_of"('metric', 'id');
CALL "commit_rows_of"('lifecycle_transition', 'model_version_id', 'sequence');
CALL "commit_rows_of"('endpoint', 'id');
CALL "commit_rows_of"('deployment', 'id');
CALL "commit_rows_of"('deployment_fact', 'deployment_id', 'sequence');
CALL "commit_rows_of"('prediction_conflict', 'request_id', 'occurred_at', 'endpoint_id', 'item', 'digest');
CALL "commit_rows_of"('signing_key', 'key_id');
CALL "commit_rows_of"('erasure', 'id');
CALL "commit_rows_of"('erased_record', 'batch_id', 'commitment');
DROP PROCEDURE "commit_rows_of";

-- A batch gets its place in the tree once; nothing else of the ledger ever changes
CREATE TRIGGER "ledger_batch_append_only" BEFORE DELETE OR TRUNCATE ON "ledger_batch" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "ledger_batch_placed_once" BEFORE UPDATE ON "ledger_batch" FOR EACH ROW
  WHEN (OLD."leaf_index" IS NOT NULL OR (OLD."id", OLD."source", OLD."row_key", OLD."leaf_count", OLD."leaves", OLD."recorded_at")
    IS DISTINCT FROM (NEW."id", NEW."source", NEW."row_key", NEW."leaf_count", NEW."leaves", NEW."recorded_at"))
  EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "ledger_node_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "ledger_node" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "checkpoint_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "checkpoint" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "signing_key_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "signing_key" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "erasure_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "erasure" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "erased_record_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "erased_record" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
