-- Why a deployment was started although a check was against it; covered by the digest of the fact where it is given
ALTER TABLE "deployment_fact" ADD COLUMN "override_reason" TEXT;
