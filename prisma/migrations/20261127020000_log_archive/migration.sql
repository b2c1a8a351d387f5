-- How long predictions stay in the log, what must stay longer, and where they went when they left it.
CREATE TABLE "retention_policy" (
    "id" SERIAL NOT NULL,
    "model_id" INTEGER,
    "keep_days" INTEGER,
    "reason" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "recorded_at" TIMESTAMPTZ(6) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "retention_policy_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "retention_policy_model_id_id_idx" ON "retention_policy"("model_id", "id");
ALTER TABLE "retention_policy" ADD CONSTRAINT "retention_policy_model_id_fkey" FOREIGN KEY ("model_id") REFERENCES "model"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "retention_policy" ADD CONSTRAINT "retention_policy_keep_days_check" CHECK ("keep_days" > 0);

CREATE TABLE "legal_hold" (
    "id" SERIAL NOT NULL,
    "model_id" INTEGER,
    "endpoint_id" INTEGER,
    "entity_commitment" BYTEA,
    "covers_from" TIMESTAMPTZ(6),
    "covers_to" TIMESTAMPTZ(6),
    "reason" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "recorded_at" TIMESTAMPTZ(6) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "legal_hold_pkey" PRIMARY KEY ("id")
);
ALTER TABLE "legal_hold" ADD CONSTRAINT "legal_hold_model_id_fkey" FOREIGN KEY ("model_id") REFERENCES "model"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "legal_hold" ADD CONSTRAINT "legal_hold_endpoint_id_fkey" FOREIGN KEY ("endpoint_id") REFERENCES "endpoint"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Whom a hold is about while it lasts: the hold itself keeps SHA-256(salt || key), which tells nobody once this is gone.
CREATE TABLE "held_entity" (
    "hold_id" INTEGER NOT NULL,
    "entity_key" TEXT COLLATE "C" NOT NULL,
    "salt" BYTEA NOT NULL,

    CONSTRAINT "held_entity_pkey" PRIMARY KEY ("hold_id")
);
CREATE INDEX "held_entity_entity_key_idx" ON "held_entity"("entity_key");
ALTER TABLE "held_entity" ADD CONSTRAINT "held_entity_hold_id_fkey" FOREIGN KEY ("hold_id") REFERENCES "legal_hold"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

CREATE TABLE "legal_hold_release" (
    "hold_id" INTEGER NOT NULL,
    "reason" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "recorded_at" TIMESTAMPTZ(6) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "legal_hold_release_pkey" PRIMARY KEY ("hold_id")
);
ALTER TABLE "legal_hold_release" ADD CONSTRAINT "legal_hold_release_hold_id_fkey" FOREIGN KEY ("hold_id") REFERENCES "legal_hold"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Recorded in the transaction that drops the partition. Of several for one partition the last one holds.
CREATE TABLE "log_archive" (
    "id" SERIAL NOT NULL,
    "partition" TEXT COLLATE "C" NOT NULL,
    "covers_from" TIMESTAMPTZ(6) NOT NULL,
    "covers_to" TIMESTAMPTZ(6) NOT NULL,
    "row_count" BIGINT NOT NULL,
    "reason" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "recorded_at" TIMESTAMPTZ(6) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "log_archive_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "log_archive_partition_id_idx" ON "log_archive"("partition", "id");

CREATE TABLE "log_archive_file" (
    "archive_id" INTEGER NOT NULL,
    "feature_schema_id" INTEGER NOT NULL,
    "digest" TEXT COLLATE "C" NOT NULL,
    "content_digest" TEXT NOT NULL,
    "size_bytes" BIGINT NOT NULL,
    "row_count" BIGINT NOT NULL,
    "first_request_id" TEXT COLLATE "C" NOT NULL,
    "last_request_id" TEXT COLLATE "C" NOT NULL,
    "location" TEXT NOT NULL,

    CONSTRAINT "log_archive_file_pkey" PRIMARY KEY ("archive_id", "feature_schema_id")
);
ALTER TABLE "log_archive_file" ADD CONSTRAINT "log_archive_file_archive_id_fkey" FOREIGN KEY ("archive_id") REFERENCES "log_archive"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "log_archive_file" ADD CONSTRAINT "log_archive_file_feature_schema_id_fkey" FOREIGN KEY ("feature_schema_id") REFERENCES "feature_schema"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

CREATE TABLE "log_restoration" (
    "archive_id" INTEGER NOT NULL,
    "reason" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "recorded_at" TIMESTAMPTZ(6) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "log_restoration_pkey" PRIMARY KEY ("archive_id")
);
ALTER TABLE "log_restoration" ADD CONSTRAINT "log_restoration_archive_id_fkey" FOREIGN KEY ("archive_id") REFERENCES "log_archive"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

CREATE TRIGGER "retention_policy_committed" AFTER INSERT ON "retention_policy" FOR EACH ROW EXECUTE FUNCTION "commit_row"('id');
CREATE TRIGGER "legal_hold_committed" AFTER INSERT ON "legal_hold" FOR EACH ROW EXECUTE FUNCTION "commit_row"('id');
CREATE TRIGGER "legal_hold_release_committed" AFTER INSERT ON "legal_hold_release" FOR EACH ROW EXECUTE FUNCTION "commit_row"('hold_id');
CREATE TRIGGER "log_archive_committed" AFTER INSERT ON "log_archive" FOR EACH ROW EXECUTE FUNCTION "commit_row"('id');
CREATE TRIGGER "log_archive_file_committed" AFTER INSERT ON "log_archive_file" FOR EACH ROW EXECUTE FUNCTION "commit_row"('archive_id', 'feature_schema_id');
CREATE TRIGGER "log_restoration_committed" AFTER INSERT ON "log_restoration" FOR EACH ROW EXECUTE FUNCTION "commit_row"('archive_id');
CREATE TRIGGER "retention_policy_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "retention_policy" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "legal_hold_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "legal_hold" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "legal_hold_release_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "legal_hold_release" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "log_archive_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "log_archive" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "log_archive_file_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "log_archive_file" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "log_restoration_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "log_restoration" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
