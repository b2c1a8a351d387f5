-- Who may call. A key is kept as its SHA-256; that it was made and that it was revoked are facts.
CREATE TABLE "api_key" (
    "id" TEXT COLLATE "C" NOT NULL,
    "hash" BYTEA NOT NULL,
    "name" TEXT NOT NULL,
    "scopes" TEXT[],
    "models" TEXT[],
    "rate" INTEGER,
    "expires_at" TIMESTAMPTZ(6) NOT NULL,
    "actor" TEXT NOT NULL,
    "recorded_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "api_key_pkey" PRIMARY KEY ("id")
);

ALTER TABLE "api_key" ADD CONSTRAINT "api_key_hash_check" CHECK (octet_length("hash") = 32);
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_scopes_check" CHECK (cardinality("scopes") > 0);
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_models_check" CHECK (cardinality("models") > 0);
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_rate_check" CHECK ("rate" > 0);

CREATE TABLE "api_key_revocation" (
    "api_key_id" TEXT COLLATE "C" NOT NULL,
    "reason" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "recorded_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "api_key_revocation_pkey" PRIMARY KEY ("api_key_id")
);

ALTER TABLE "api_key_revocation" ADD CONSTRAINT "api_key_revocation_api_key_id_fkey" FOREIGN KEY ("api_key_id") REFERENCES "api_key"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- No fact: overwritten now and then
CREATE TABLE "api_key_use" (
    "api_key_id" TEXT COLLATE "C" NOT NULL,
    "last_used_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "api_key_use_pkey" PRIMARY KEY ("api_key_id")
);

ALTER TABLE "api_key_use" ADD CONSTRAINT "api_key_use_api_key_id_fkey" FOREIGN KEY ("api_key_id") REFERENCES "api_key"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Who saw sensitive values, of what, and why
CREATE TABLE "sensitive_read" (
    "id" BIGSERIAL NOT NULL,
    "actor" TEXT NOT NULL,
    "request_id" TEXT NOT NULL,
    "operation" TEXT,
    "kinds" TEXT[],
    "subjects" TEXT[],
    "reason" TEXT,
    "recorded_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "sensitive_read_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "sensitive_read_actor_id_idx" ON "sensitive_read"("actor", "id");
CREATE INDEX "sensitive_read_recorded_at_idx" ON "sensitive_read"("recorded_at");
CREATE INDEX "sensitive_read_subjects_idx" ON "sensitive_read" USING GIN ("subjects");

CREATE TRIGGER "api_key_committed" AFTER INSERT ON "api_key" FOR EACH ROW EXECUTE FUNCTION "commit_row"('id');
CREATE TRIGGER "api_key_revocation_committed" AFTER INSERT ON "api_key_revocation" FOR EACH ROW EXECUTE FUNCTION "commit_row"('api_key_id');
CREATE TRIGGER "sensitive_read_committed" AFTER INSERT ON "sensitive_read" FOR EACH ROW EXECUTE FUNCTION "commit_row"('id');

CREATE TRIGGER "api_key_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "api_key" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "api_key_revocation_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "api_key_revocation" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "sensitive_read_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "sensitive_read" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
