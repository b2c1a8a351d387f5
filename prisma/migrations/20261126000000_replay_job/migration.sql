-- Predictions that are run again in the background, and what came of each
CREATE TYPE "replay_job_state" AS ENUM ('QUEUED', 'RUNNING', 'DONE', 'FAILED', 'CANCELLED');

CREATE TABLE "replay_job" (
    "id" UUID NOT NULL,
    "state" "replay_job_state" NOT NULL,
    "filter" TEXT,
    "target_version_id" INTEGER,
    "threshold" DOUBLE PRECISION,
    "label_above" TEXT,
    "label_otherwise" TEXT,
    "accept_other_meanings" BOOLEAN NOT NULL,
    "runner" TEXT NOT NULL,
    "row_limit" INTEGER NOT NULL,
    "actor" TEXT NOT NULL,
    "scopes" TEXT[],
    "attempted" INTEGER NOT NULL DEFAULT 0,
    "place" TEXT,
    "worker" UUID,
    "heartbeat_at" TIMESTAMPTZ(6),
    "failure" TEXT,
    "runner_identity" TEXT,
    "created_at" TIMESTAMPTZ(6) NOT NULL,
    "started_at" TIMESTAMPTZ(6),
    "ended_at" TIMESTAMPTZ(6),

    CONSTRAINT "replay_job_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "replay_job_state_created_at_idx" ON "replay_job"("state", "created_at");
CREATE INDEX "replay_job_created_at_id_idx" ON "replay_job"("created_at", "id");
ALTER TABLE "replay_job" ADD CONSTRAINT "replay_job_target_version_id_fkey" FOREIGN KEY ("target_version_id") REFERENCES "model_version"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "replay_job" ADD CONSTRAINT "replay_job_decision_check" CHECK (num_nulls("threshold", "label_above", "label_otherwise") IN (0, 3));
ALTER TABLE "replay_job" ADD CONSTRAINT "replay_job_ended_check" CHECK (("state" IN ('QUEUED', 'RUNNING')) = ("ended_at" IS NULL));

CREATE TABLE "replay_result" (
    "job_id" UUID NOT NULL,
    "ordinal" INTEGER NOT NULL,
    "request_id" TEXT COLLATE "C" NOT NULL,
    "occurred_at" TIMESTAMPTZ(6) NOT NULL,
    "endpoint_id" INTEGER NOT NULL,
    "item" INTEGER NOT NULL,
    "score_before" DOUBLE PRECISION,
    "score_after" DOUBLE PRECISION,
    "obstacle" TEXT,
    "label_before" TEXT,
    "label_after" TEXT,
    "outcome" TEXT,

    CONSTRAINT "replay_result_pkey" PRIMARY KEY ("job_id", "ordinal")
);

-- What is erased must be found here, too
CREATE INDEX "replay_result_request_id_idx" ON "replay_result"("request_id");
ALTER TABLE "replay_result" ADD CONSTRAINT "replay_result_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "replay_job"("id") ON DELETE CASCADE ON UPDATE CASCADE;
