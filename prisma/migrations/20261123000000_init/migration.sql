-- The relational model of prisma/schema.prisma, with what Prisma cannot say: the log is partitioned by time and does
-- not re-check its references (the writer resolved them, and their targets can never be deleted), keys compare in byte
-- order, and the database itself refuses to change evidence and histories.

-- CreateEnum
CREATE TYPE "feature_type" AS ENUM ('BOOL', 'INT64', 'FP32', 'FP64', 'STRING', 'TIMESTAMP');

-- CreateEnum
CREATE TYPE "dataset_role" AS ENUM ('TRAINING', 'VALIDATION', 'TEST', 'REFERENCE');

-- CreateEnum
CREATE TYPE "artifact_role" AS ENUM ('WEIGHTS', 'PREPROCESSOR', 'TOKENIZER', 'REPORT', 'OTHER');

-- CreateEnum
CREATE TYPE "lifecycle_stage" AS ENUM ('REGISTERED', 'STAGING', 'PRODUCTION', 'ARCHIVED', 'REVOKED');

-- CreateEnum
CREATE TYPE "deployment_role" AS ENUM ('PRIMARY', 'CANARY', 'SHADOW');

-- CreateEnum
CREATE TYPE "deployment_end_reason" AS ENUM ('SUPERSEDED', 'ROLLED_BACK', 'REVOKED', 'RETIRED');

-- CreateEnum
CREATE TYPE "rejected_record_kind" AS ENUM ('PREDICTION', 'OUTCOME');

-- CreateTable
CREATE TABLE "code_commit" (
    "id" SERIAL NOT NULL,
    "digest" TEXT COLLATE "C" NOT NULL,
    "repository" TEXT NOT NULL,
    "oid" TEXT NOT NULL,
    "is_dirty" BOOLEAN NOT NULL,
    "message_headline" TEXT,
    "author" TEXT,
    "committed_at" TIMESTAMPTZ(3),
    "recorded_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "code_commit_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "feature_schema" (
    "id" SERIAL NOT NULL,
    "digest" TEXT COLLATE "C" NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "semver" TEXT COLLATE "C" NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "feature_schema_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "feature_field" (
    "feature_schema_id" INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "type" "feature_type" NOT NULL,
    "is_nullable" BOOLEAN NOT NULL,
    "shape" INTEGER[],
    "has_categories" BOOLEAN NOT NULL,
    "categories" TEXT[],
    "default_value" TEXT,
    "max_age_seconds" INTEGER,
    "is_sensitive" BOOLEAN NOT NULL,
    "description" TEXT,

    CONSTRAINT "feature_field_pkey" PRIMARY KEY ("feature_schema_id","position")
);

-- CreateTable
CREATE TABLE "feature_transformation" (
    "feature_schema_id" INTEGER NOT NULL,
    "field_position" INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "function" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "inputs" TEXT[],
    "parameters" TEXT NOT NULL,
    "code_commit_id" INTEGER,

    CONSTRAINT "feature_transformation_pkey" PRIMARY KEY ("feature_schema_id","field_position","position")
);

-- CreateTable
CREATE TABLE "dataset_snapshot" (
    "id" SERIAL NOT NULL,
    "digest" TEXT COLLATE "C" NOT NULL,
    "content_digest" TEXT NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "row_count" BIGINT,
    "size_bytes" BIGINT,
    "event_time_from" TIMESTAMPTZ(3),
    "event_time_to" TIMESTAMPTZ(3),
    "recorded_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "dataset_snapshot_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "dataset_derivation" (
    "derived_id" INTEGER NOT NULL,
    "source_id" INTEGER NOT NULL,

    CONSTRAINT "dataset_derivation_pkey" PRIMARY KEY ("derived_id","source_id")
);

-- CreateTable
CREATE TABLE "feature_statistics" (
    "dataset_snapshot_id" INTEGER NOT NULL,
    "feature" TEXT COLLATE "C" NOT NULL,
    "summary" TEXT NOT NULL,

    CONSTRAINT "feature_statistics_pkey" PRIMARY KEY ("dataset_snapshot_id","feature")
);

-- CreateTable
CREATE TABLE "runtime_environment" (
    "id" SERIAL NOT NULL,
    "digest" TEXT COLLATE "C" NOT NULL,
    "runtime" TEXT NOT NULL,
    "platform" TEXT NOT NULL,
    "accelerator" TEXT,
    "image_digest" TEXT,
    "threads" INTEGER,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "runtime_environment_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "runtime_package" (
    "runtime_environment_id" INTEGER NOT NULL,
    "purl" TEXT COLLATE "C" NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "version" TEXT NOT NULL,

    CONSTRAINT "runtime_package_pkey" PRIMARY KEY ("runtime_environment_id","purl")
);

-- CreateTable
CREATE TABLE "artifact" (
    "id" SERIAL NOT NULL,
    "digest" TEXT COLLATE "C" NOT NULL,
    "media_type" TEXT NOT NULL,
    "size_bytes" BIGINT NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "artifact_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "evidence_location" (
    "digest" TEXT COLLATE "C" NOT NULL,
    "uri" TEXT COLLATE "C" NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "evidence_location_pkey" PRIMARY KEY ("digest","uri")
);

-- CreateTable
CREATE TABLE "model" (
    "id" SERIAL NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "description" TEXT,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "model_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "model_version" (
    "id" SERIAL NOT NULL,
    "digest" TEXT COLLATE "C" NOT NULL,
    "recipe_digest" TEXT NOT NULL,
    "model_id" INTEGER NOT NULL,
    "semver" TEXT COLLATE "C" NOT NULL,
    "manifest" TEXT NOT NULL,
    "code_commit_id" INTEGER NOT NULL,
    "feature_schema_id" INTEGER NOT NULL,
    "runtime_environment_id" INTEGER NOT NULL,
    "parent_id" INTEGER,
    "hyperparameters" TEXT NOT NULL,
    "recorded_by" TEXT NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "model_version_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "dataset_use" (
    "model_version_id" INTEGER NOT NULL,
    "role" "dataset_role" NOT NULL,
    "dataset_snapshot_id" INTEGER NOT NULL,

    CONSTRAINT "dataset_use_pkey" PRIMARY KEY ("model_version_id","role","dataset_snapshot_id")
);

-- CreateTable
CREATE TABLE "artifact_use" (
    "model_version_id" INTEGER NOT NULL,
    "role" "artifact_role" NOT NULL,
    "artifact_id" INTEGER NOT NULL,

    CONSTRAINT "artifact_use_pkey" PRIMARY KEY ("model_version_id","role","artifact_id")
);

-- CreateTable
CREATE TABLE "metric" (
    "id" SERIAL NOT NULL,
    "model_version_id" INTEGER NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "value" DOUBLE PRECISION NOT NULL,
    "dataset_snapshot_id" INTEGER,
    "recorded_by" TEXT NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "metric_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "lifecycle_transition" (
    "model_version_id" INTEGER NOT NULL,
    "sequence" INTEGER NOT NULL,
    "from_stage" "lifecycle_stage",
    "to_stage" "lifecycle_stage" NOT NULL,
    "reason" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "occurred_at" TIMESTAMPTZ(3) NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,
    "corrects_sequence" INTEGER,
    "digest" TEXT COLLATE "C" NOT NULL,
    "previous_digest" TEXT,

    CONSTRAINT "lifecycle_transition_pkey" PRIMARY KEY ("model_version_id","sequence")
);

-- CreateTable
CREATE TABLE "endpoint" (
    "id" SERIAL NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "environment" TEXT COLLATE "C" NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "endpoint_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "deployment" (
    "id" SERIAL NOT NULL,
    "public_id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "endpoint_id" INTEGER NOT NULL,
    "model_version_id" INTEGER NOT NULL,
    "role" "deployment_role" NOT NULL,
    "predecessor_id" INTEGER,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "deployment_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "deployment_fact" (
    "deployment_id" INTEGER NOT NULL,
    "sequence" INTEGER NOT NULL,
    "traffic_share" DOUBLE PRECISION NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),
    "end_reason" "deployment_end_reason",
    "is_retracted" BOOLEAN NOT NULL,
    "reason" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,
    "digest" TEXT COLLATE "C" NOT NULL,
    "previous_digest" TEXT,

    CONSTRAINT "deployment_fact_pkey" PRIMARY KEY ("deployment_id","sequence")
);

-- CreateTable
CREATE TABLE "prediction_log" (
    "request_id" TEXT COLLATE "C" NOT NULL,
    "occurred_at" TIMESTAMPTZ(6) NOT NULL,
    "endpoint_id" INTEGER NOT NULL,
    "item" INTEGER NOT NULL,
    "model_version_id" INTEGER NOT NULL,
    "feature_schema_id" INTEGER NOT NULL,
    "entity_key" TEXT COLLATE "C",
    "trace_id" TEXT COLLATE "C",
    "numbers" DOUBLE PRECISION[],
    "integers" BIGINT[],
    "texts" TEXT[],
    "statuses" BYTEA,
    "feature_observed_at" BIGINT[],
    "undeclared" TEXT,
    "score" DOUBLE PRECISION,
    "label" TEXT COLLATE "C",
    "output" TEXT,
    "latency_ms" DOUBLE PRECISION,
    "digest" BYTEA NOT NULL,
    "recorded_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "prediction_log_pkey" PRIMARY KEY ("request_id","occurred_at","endpoint_id","item")
) PARTITION BY RANGE ("occurred_at");

-- CreateTable
CREATE TABLE "prediction_conflict" (
    "request_id" TEXT COLLATE "C" NOT NULL,
    "occurred_at" TIMESTAMPTZ(6) NOT NULL,
    "endpoint_id" INTEGER NOT NULL,
    "item" INTEGER NOT NULL,
    "digest" BYTEA NOT NULL,
    "record" TEXT NOT NULL,
    "recorded_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "prediction_conflict_pkey" PRIMARY KEY ("request_id","occurred_at","endpoint_id","item","digest")
);

-- CreateTable
CREATE TABLE "prediction_outcome" (
    "request_id" TEXT COLLATE "C" NOT NULL,
    "endpoint_id" INTEGER NOT NULL,
    "item" INTEGER NOT NULL,
    "observed_at" TIMESTAMPTZ(6) NOT NULL,
    "digest" BYTEA NOT NULL,
    "label" TEXT COLLATE "C",
    "value" DOUBLE PRECISION,
    "recorded_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "prediction_outcome_pkey" PRIMARY KEY ("request_id","endpoint_id","item","observed_at","digest")
);

-- CreateTable
CREATE TABLE "rejected_record" (
    "id" BIGSERIAL NOT NULL,
    "kind" "rejected_record_kind" NOT NULL,
    "digest" BYTEA NOT NULL,
    "raw" BYTEA NOT NULL,
    "code" TEXT NOT NULL,
    "path" TEXT,
    "message" TEXT NOT NULL,
    "waits_for" TEXT COLLATE "C",
    "request_id" TEXT COLLATE "C",
    "keeps_undeclared" BOOLEAN NOT NULL DEFAULT false,
    "attempts" INTEGER NOT NULL DEFAULT 1,
    "received_at" TIMESTAMPTZ(6) NOT NULL,
    "attempted_at" TIMESTAMPTZ(6) NOT NULL,
    "resolved_at" TIMESTAMPTZ(6),

    CONSTRAINT "rejected_record_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "prediction_rollup" (
    "model_version_id" INTEGER NOT NULL,
    "endpoint_id" INTEGER NOT NULL,
    "feature_schema_id" INTEGER NOT NULL,
    "hour" TIMESTAMPTZ(0) NOT NULL,
    "count" BIGINT NOT NULL,
    "first_at" TIMESTAMPTZ(6) NOT NULL,
    "last_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "prediction_rollup_pkey" PRIMARY KEY ("model_version_id","endpoint_id","feature_schema_id","hour")
);

-- CreateIndex
CREATE UNIQUE INDEX "code_commit_digest_key" ON "code_commit"("digest");

-- CreateIndex
CREATE INDEX "code_commit_oid_idx" ON "code_commit"("oid");

-- CreateIndex
CREATE UNIQUE INDEX "feature_schema_digest_key" ON "feature_schema"("digest");

-- CreateIndex
CREATE UNIQUE INDEX "feature_schema_name_semver_key" ON "feature_schema"("name", "semver");

-- CreateIndex
CREATE INDEX "feature_field_name_idx" ON "feature_field"("name");

-- CreateIndex
CREATE UNIQUE INDEX "feature_field_feature_schema_id_name_key" ON "feature_field"("feature_schema_id", "name");

-- CreateIndex
CREATE INDEX "feature_transformation_code_commit_id_idx" ON "feature_transformation"("code_commit_id");

-- CreateIndex
CREATE UNIQUE INDEX "dataset_snapshot_digest_key" ON "dataset_snapshot"("digest");

-- CreateIndex
CREATE INDEX "dataset_snapshot_content_digest_idx" ON "dataset_snapshot"("content_digest");

-- CreateIndex
CREATE INDEX "dataset_snapshot_name_idx" ON "dataset_snapshot"("name");

-- CreateIndex
CREATE INDEX "dataset_derivation_source_id_idx" ON "dataset_derivation"("source_id");

-- CreateIndex
CREATE UNIQUE INDEX "runtime_environment_digest_key" ON "runtime_environment"("digest");

-- CreateIndex
CREATE INDEX "runtime_package_name_version_idx" ON "runtime_package"("name", "version");

-- CreateIndex
CREATE UNIQUE INDEX "artifact_digest_key" ON "artifact"("digest");

-- CreateIndex
CREATE UNIQUE INDEX "model_name_key" ON "model"("name");

-- CreateIndex
CREATE UNIQUE INDEX "model_version_digest_key" ON "model_version"("digest");

-- CreateIndex
CREATE INDEX "model_version_recipe_digest_idx" ON "model_version"("recipe_digest");

-- CreateIndex
CREATE INDEX "model_version_code_commit_id_idx" ON "model_version"("code_commit_id");

-- CreateIndex
CREATE INDEX "model_version_feature_schema_id_idx" ON "model_version"("feature_schema_id");

-- CreateIndex
CREATE INDEX "model_version_runtime_environment_id_idx" ON "model_version"("runtime_environment_id");

-- CreateIndex
CREATE INDEX "model_version_parent_id_idx" ON "model_version"("parent_id");

-- CreateIndex
CREATE UNIQUE INDEX "model_version_model_id_semver_key" ON "model_version"("model_id", "semver");

-- CreateIndex
CREATE INDEX "dataset_use_dataset_snapshot_id_idx" ON "dataset_use"("dataset_snapshot_id");

-- CreateIndex
CREATE INDEX "artifact_use_artifact_id_idx" ON "artifact_use"("artifact_id");

-- CreateIndex
CREATE INDEX "metric_model_version_id_idx" ON "metric"("model_version_id");

-- CreateIndex
CREATE INDEX "lifecycle_transition_recorded_at_idx" ON "lifecycle_transition"("recorded_at");

-- CreateIndex
CREATE UNIQUE INDEX "endpoint_environment_name_key" ON "endpoint"("environment", "name");

-- CreateIndex
CREATE UNIQUE INDEX "deployment_public_id_key" ON "deployment"("public_id");

-- CreateIndex
CREATE INDEX "deployment_endpoint_id_idx" ON "deployment"("endpoint_id");

-- CreateIndex
CREATE INDEX "deployment_model_version_id_idx" ON "deployment"("model_version_id");

-- CreateIndex
CREATE INDEX "deployment_predecessor_id_idx" ON "deployment"("predecessor_id");

-- CreateIndex
CREATE INDEX "deployment_fact_recorded_at_idx" ON "deployment_fact"("recorded_at");

-- CreateIndex
CREATE INDEX "prediction_log_model_version_id_occurred_at_idx" ON "prediction_log"("model_version_id", "occurred_at");

-- CreateIndex
CREATE INDEX "prediction_log_entity_key_occurred_at_idx" ON "prediction_log"("entity_key", "occurred_at");

-- CreateIndex
CREATE INDEX "prediction_log_trace_id_idx" ON "prediction_log"("trace_id");

-- CreateIndex
CREATE INDEX "prediction_log_occurred_at_idx" ON "prediction_log" USING BRIN ("occurred_at");

-- CreateIndex
CREATE INDEX "rejected_record_waits_for_idx" ON "rejected_record"("waits_for");

-- CreateIndex
CREATE INDEX "rejected_record_request_id_idx" ON "rejected_record"("request_id");

-- CreateIndex
CREATE UNIQUE INDEX "rejected_record_kind_digest_key" ON "rejected_record"("kind", "digest");

-- CreateIndex
CREATE INDEX "prediction_rollup_endpoint_id_hour_idx" ON "prediction_rollup"("endpoint_id", "hour");

-- AddForeignKey
ALTER TABLE "feature_field" ADD CONSTRAINT "feature_field_feature_schema_id_fkey" FOREIGN KEY ("feature_schema_id") REFERENCES "feature_schema"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "feature_transformation" ADD CONSTRAINT "feature_transformation_feature_schema_id_field_position_fkey" FOREIGN KEY ("feature_schema_id", "field_position") REFERENCES "feature_field"("feature_schema_id", "position") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "feature_transformation" ADD CONSTRAINT "feature_transformation_code_commit_id_fkey" FOREIGN KEY ("code_commit_id") REFERENCES "code_commit"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "dataset_derivation" ADD CONSTRAINT "dataset_derivation_derived_id_fkey" FOREIGN KEY ("derived_id") REFERENCES "dataset_snapshot"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "dataset_derivation" ADD CONSTRAINT "dataset_derivation_source_id_fkey" FOREIGN KEY ("source_id") REFERENCES "dataset_snapshot"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "feature_statistics" ADD CONSTRAINT "feature_statistics_dataset_snapshot_id_fkey" FOREIGN KEY ("dataset_snapshot_id") REFERENCES "dataset_snapshot"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "runtime_package" ADD CONSTRAINT "runtime_package_runtime_environment_id_fkey" FOREIGN KEY ("runtime_environment_id") REFERENCES "runtime_environment"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "model_version" ADD CONSTRAINT "model_version_model_id_fkey" FOREIGN KEY ("model_id") REFERENCES "model"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "model_version" ADD CONSTRAINT "model_version_code_commit_id_fkey" FOREIGN KEY ("code_commit_id") REFERENCES "code_commit"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "model_version" ADD CONSTRAINT "model_version_feature_schema_id_fkey" FOREIGN KEY ("feature_schema_id") REFERENCES "feature_schema"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "model_version" ADD CONSTRAINT "model_version_runtime_environment_id_fkey" FOREIGN KEY ("runtime_environment_id") REFERENCES "runtime_environment"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "model_version" ADD CONSTRAINT "model_version_parent_id_fkey" FOREIGN KEY ("parent_id") REFERENCES "model_version"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "dataset_use" ADD CONSTRAINT "dataset_use_model_version_id_fkey" FOREIGN KEY ("model_version_id") REFERENCES "model_version"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "dataset_use" ADD CONSTRAINT "dataset_use_dataset_snapshot_id_fkey" FOREIGN KEY ("dataset_snapshot_id") REFERENCES "dataset_snapshot"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "artifact_use" ADD CONSTRAINT "artifact_use_model_version_id_fkey" FOREIGN KEY ("model_version_id") REFERENCES "model_version"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "artifact_use" ADD CONSTRAINT "artifact_use_artifact_id_fkey" FOREIGN KEY ("artifact_id") REFERENCES "artifact"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "metric" ADD CONSTRAINT "metric_model_version_id_fkey" FOREIGN KEY ("model_version_id") REFERENCES "model_version"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "metric" ADD CONSTRAINT "metric_dataset_snapshot_id_fkey" FOREIGN KEY ("dataset_snapshot_id") REFERENCES "dataset_snapshot"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "lifecycle_transition" ADD CONSTRAINT "lifecycle_transition_model_version_id_fkey" FOREIGN KEY ("model_version_id") REFERENCES "model_version"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "deployment" ADD CONSTRAINT "deployment_endpoint_id_fkey" FOREIGN KEY ("endpoint_id") REFERENCES "endpoint"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "deployment" ADD CONSTRAINT "deployment_model_version_id_fkey" FOREIGN KEY ("model_version_id") REFERENCES "model_version"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "deployment" ADD CONSTRAINT "deployment_predecessor_id_fkey" FOREIGN KEY ("predecessor_id") REFERENCES "deployment"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "deployment_fact" ADD CONSTRAINT "deployment_fact_deployment_id_fkey" FOREIGN KEY ("deployment_id") REFERENCES "deployment"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Checks
ALTER TABLE "code_commit" ADD CONSTRAINT "code_commit_oid_check" CHECK ("oid" ~ '^([0-9a-f]{40}|[0-9a-f]{64})$');
ALTER TABLE "code_commit" ADD CONSTRAINT "code_commit_digest_check" CHECK ("digest" ~ '^sha256:[0-9a-f]{64}$');
ALTER TABLE "feature_schema" ADD CONSTRAINT "feature_schema_digest_check" CHECK ("digest" ~ '^sha256:[0-9a-f]{64}$');
ALTER TABLE "dataset_snapshot" ADD CONSTRAINT "dataset_snapshot_digest_check" CHECK ("digest" ~ '^sha256:[0-9a-f]{64}$');
ALTER TABLE "runtime_environment" ADD CONSTRAINT "runtime_environment_digest_check" CHECK ("digest" ~ '^sha256:[0-9a-f]{64}$');
ALTER TABLE "artifact" ADD CONSTRAINT "artifact_digest_check" CHECK ("digest" ~ '^sha256:[0-9a-f]{64}$');
ALTER TABLE "model_version" ADD CONSTRAINT "model_version_digest_check" CHECK ("digest" ~ '^sha256:[0-9a-f]{64}$');
ALTER TABLE "lifecycle_transition" ADD CONSTRAINT "lifecycle_transition_digest_check" CHECK ("digest" ~ '^sha256:[0-9a-f]{64}$');
ALTER TABLE "deployment_fact" ADD CONSTRAINT "deployment_fact_digest_check" CHECK ("digest" ~ '^sha256:[0-9a-f]{64}$');
ALTER TABLE "deployment_fact" ADD CONSTRAINT "deployment_fact_share_check" CHECK ("traffic_share" >= 0 AND "traffic_share" <= 1);
ALTER TABLE "deployment_fact" ADD CONSTRAINT "deployment_fact_interval_check" CHECK ("ended_at" IS NULL OR "ended_at" >= "started_at");
ALTER TABLE "prediction_log" ADD CONSTRAINT "prediction_log_item_check" CHECK ("item" >= 0);
ALTER TABLE "prediction_log" ADD CONSTRAINT "prediction_log_digest_check" CHECK (octet_length("digest") = 32);

-- Evidence and histories are never changed, not even by hand
CREATE FUNCTION "refuse_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'integrity_constraint_violation', HINT = 'Record a new fact that corrects the earlier one.';
END
$$;
CREATE TRIGGER "code_commit_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "code_commit" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "feature_schema_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "feature_schema" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "feature_field_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "feature_field" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "feature_transformation_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "feature_transformation" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "dataset_snapshot_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "dataset_snapshot" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "dataset_derivation_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "dataset_derivation" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "feature_statistics_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "feature_statistics" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "runtime_environment_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "runtime_environment" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "runtime_package_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "runtime_package" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "artifact_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "artifact" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "evidence_location_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "evidence_location" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "model_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "model" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "model_version_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "model_version" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "dataset_use_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "dataset_use" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "artifact_use_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "artifact_use" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "metric_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "metric" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "lifecycle_transition_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "lifecycle_transition" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "endpoint_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "endpoint" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "deployment_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "deployment" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "deployment_fact_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "deployment_fact" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
