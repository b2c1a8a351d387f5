import { ingestOutcomes, ingestPredictions } from '../prediction/ingest-route.ts';
import type { Route } from './routes.ts';

/** The routes that append to the log: streams of NDJSON. */
export const logRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/predictions',
    scope: 'predictions:write',
    handle: ingestPredictions,
  },
  { method: 'POST', path: '/v1/outcomes', scope: 'predictions:write', handle: ingestOutcomes },
];
