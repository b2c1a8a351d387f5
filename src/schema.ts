import { builder } from './platform/builder.ts';
import './platform/errors.ts';
import './platform/scalars.ts';
import './server/server-info.ts';

/** The whole schema. Each import above adds its types and fields. */
export const schema = builder.toSchema();
