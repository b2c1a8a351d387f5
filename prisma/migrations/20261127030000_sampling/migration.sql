-- Which part of its predictions an endpoint logs: facts, each of which holds from a time until the next one
CREATE TYPE "sampling_rule" AS ENUM ('ALL', 'RANDOM', 'KEYED');
CREATE TYPE "sampling_key" AS ENUM ('ENTITY_KEY', 'REQUEST_ID', 'TRACE_ID');

CREATE TABLE "sampling_fact" (
    "endpoint_id" INTEGER NOT NULL,
    "sequence" INTEGER NOT NULL,
    "rule" "sampling_rule" NOT NULL,
    "key" "sampling_key",
    "rate" DOUBLE PRECISION NOT NULL,
    "valid_from" TIMESTAMPTZ(3) NOT NULL,
    "reason" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "sampling_fact_pkey" PRIMARY KEY ("endpoint_id","sequence")
);

ALTER TABLE "sampling_fact" ADD CONSTRAINT "sampling_fact_endpoint_id_fkey" FOREIGN KEY ("endpoint_id") REFERENCES "endpoint"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "sampling_fact" ADD CONSTRAINT "sampling_fact_rate_check" CHECK ("rate" >= 1e-9 AND "rate" <= 1 AND ("rule" <> 'ALL' OR "rate" = 1));
ALTER TABLE "sampling_fact" ADD CONSTRAINT "sampling_fact_key_check" CHECK (("rule" = 'KEYED') = ("key" IS NOT NULL));
CREATE TRIGGER "sampling_fact_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "sampling_fact" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "sampling_fact_committed" AFTER INSERT ON "sampling_fact" FOR EACH ROW EXECUTE FUNCTION "commit_row"('endpoint_id', 'sequence');

-- The rate at which a record was kept; null for 1, so that nothing grows where nothing is sampled
ALTER TABLE "prediction_log" ADD COLUMN "sampling_rate" DOUBLE PRECISION;
ALTER TABLE "prediction_log" ADD CONSTRAINT "prediction_log_sampling_rate_check" CHECK ("sampling_rate" >= 1e-9 AND "sampling_rate" < 1);

-- How many predictions those of an hour stand for, and the variance of that. Sums of decimals are exact in any order.
ALTER TABLE "prediction_rollup" ADD COLUMN "estimated" DECIMAL(65,30), ADD COLUMN "variance" DECIMAL(65,30);
UPDATE "prediction_rollup" SET "estimated" = "count", "variance" = 0;
ALTER TABLE "prediction_rollup" ALTER COLUMN "estimated" SET NOT NULL, ALTER COLUMN "variance" SET NOT NULL;
