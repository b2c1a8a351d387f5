import { builder } from './platform/builder.ts';
import './platform/errors.ts';
import './platform/scalars.ts';
import './evidence/artifact.ts';
import './evidence/code-commit.ts';
import './evidence/dataset-snapshot-type.ts';
import './evidence/feature-schema-type.ts';
import './evidence/record-evidence.ts';
import './evidence/runtime-environment-type.ts';
import './registry/integrity.ts';
import './registry/lifecycle-type.ts';
import './registry/model.ts';
import './registry/model-version-type.ts';
import './registry/model-versions.ts';
import './registry/register.ts';
import './registry/transition.ts';
import './serving/correct-deployment.ts';
import './serving/deployment-type.ts';
import './serving/endpoint-type.ts';
import './serving/start-deployment.ts';
import './prediction/prediction-log-type.ts';
import './prediction/prediction-reference.ts';
import './forensics/request.ts';
import './forensics/trace-type.ts';
import './server/server-info.ts';

/** The whole schema. Each import above adds its types and fields. */
export const schema = builder.toSchema();
