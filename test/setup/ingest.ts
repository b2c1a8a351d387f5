import type { FeatureFieldDefinition } from '../../src/evidence/feature-field.ts';
import { localActor } from '../../src/platform/context.ts';
import type { AppendReport } from '../../src/prediction/append-report.ts';
import { ingestOutcomes, ingestPredictions } from '../../src/prediction/ingest-route.ts';
import { type RawLine, rawLine } from '../../src/prediction/raw-line.ts';
import { openTestHindcast, type TestHindcast } from './hindcast.ts';
import {
  type EndpointRow,
  insertEndpoint,
  insertSchema,
  insertVersion,
  type SchemaRow,
  type VersionRow,
} from './versions.ts';

/** Opens a Hindcast with the routes that take streams. */
export const openIngest = (): Promise<TestHindcast> =>
  openTestHindcast(localActor('tester'), [
    {
      method: 'POST',
      path: '/v1/predictions',
      scope: 'predictions:write',
      handle: ingestPredictions,
    },
    { method: 'POST', path: '/v1/outcomes', scope: 'predictions:write', handle: ingestOutcomes },
  ]);

/** A version on an endpoint, and how to write lines for it. */
export interface Serving {
  readonly schema: SchemaRow;
  readonly version: VersionRow;
  readonly endpoint: EndpointRow;
  /** A prediction of that version as an object, with other members where given. */
  readonly prediction: (requestId: string, other?: Record<string, unknown>) => object;
  /** The same as JSON text. */
  readonly line: (requestId: string, other?: Record<string, unknown>) => string;
}

export const OCCURRED_AT = '2026-04-03T14:03:27.123456Z';

export const openServing = async (
  { database }: Pick<TestHindcast, 'database'>,
  fields: readonly FeatureFieldDefinition[],
  features: unknown,
): Promise<Serving> => {
  const schema = await insertSchema(database, fields);
  const version = await insertVersion(database, schema);
  const endpoint = await insertEndpoint(database);
  const prediction: Serving['prediction'] = (requestId, other = {}) => ({
    requestId,
    occurredAt: OCCURRED_AT,
    endpoint: { name: endpoint.name, environment: endpoint.environment },
    modelVersion: version.digest,
    features,
    ...other,
  });
  return {
    schema,
    version,
    endpoint,
    prediction,
    line: (requestId, other) => JSON.stringify(prediction(requestId, other)),
  };
};

export const rawLines = (texts: readonly (string | Uint8Array)[]): readonly RawLine[] =>
  texts.map((text, index) => rawLine(index + 1, Buffer.from(text)));

/** The counts of a report alone. */
export const countsOf = ({ results: _, ...counts }: AppendReport) => counts;

/** What a stream was answered, line by line. */
export interface StreamAnswer {
  readonly status: number;
  readonly lines: readonly Record<string, unknown>[];
}

export const post = async (
  { url }: Pick<TestHindcast, 'url'>,
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<StreamAnswer> => {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', ...headers },
    body,
  });
  const text = await response.text();
  return {
    status: response.status,
    lines: text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
};
