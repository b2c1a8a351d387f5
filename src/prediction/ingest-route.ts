import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import type { AppendOptions, PreparedBatch, StagedRecord } from './append-report.ts';
import { commitBatch, type RecordStore } from './commit-batch.ts';
import { gunzip } from './gunzip.ts';
import { answerError, type IngestAnswer, ingestAnswer } from './ingest-answer.ts';
import { readIngestRequest } from './ingest-request.ts';
import { ndjsonBatches } from './ndjson-lines.ts';
import { prepareOutcomes } from './prepare-outcomes.ts';
import { preparePredictions } from './prepare-predictions.ts';
import type { RawLine } from './raw-line.ts';
import { outcomeStore } from './store-outcomes.ts';
import { predictionStore } from './store-predictions.ts';

/** Records that a stream may hold. */
interface Ingestion<Staged extends StagedRecord, Batch extends PreparedBatch<Staged>> {
  /** Query parameters that it takes. */
  readonly parameters: readonly string[];
  readonly prepare: (
    database: Database,
    lines: readonly RawLine[],
    options: AppendOptions,
  ) => Promise<Batch>;
  readonly store: RecordStore<Staged, Batch>;
}

type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  context: Pick<Context, 'database'>,
) => Promise<void>;

/**
 * Takes newline-delimited JSON of any length in bounded memory, and answers line by line while it reads: each line that
 * was not simply stored, how far everything is committed after each batch, and counts at the end.
 */
const ingestHandler =
  <Staged extends StagedRecord, Batch extends PreparedBatch<Staged>>(
    ingestion: Ingestion<Staged, Batch>,
  ): Handler =>
  async (request, response, { database }) => {
    const read = readIngestRequest(request, ingestion.parameters);
    if ('status' in read) return answerError(response, read.status, read);
    // Where reading ends early the answer has to reach the caller, so the request is not destroyed.
    const source: AsyncIterable<Uint8Array> = request.iterator({ destroyOnReturn: false });
    const body = read.isGzip ? gunzip(source) : source;
    const answer = ingestAnswer(response);
    try {
      await ingest(database, body, ingestion, read.options, answer);
      await answer.summarise();
    } catch (error) {
      // Whoever hung up needs no answer; what was committed stays.
      if (request.destroyed && !request.complete) return;
      await answer.fail();
      throw error;
    }
  };

/** Reads and checks one batch while the one before is committed; reads no further until it is. */
const ingest = async <Staged extends StagedRecord, Batch extends PreparedBatch<Staged>>(
  database: Database,
  body: AsyncIterable<Uint8Array>,
  { prepare, store }: Ingestion<Staged, Batch>,
  options: AppendOptions,
  answer: IngestAnswer,
): Promise<void> => {
  let committing = Promise.resolve();
  try {
    for await (const lines of ndjsonBatches(body)) {
      const prepared = await prepare(database, lines, options);
      await committing;
      committing = commitBatch(database, prepared, store).then((report) =>
        answer.report(report, lines.at(-1)?.line ?? 0),
      );
      // It is awaited below; without this, its failure would end the process before.
      committing.catch(() => {});
    }
  } finally {
    await committing;
  }
};

/** `POST /v1/predictions` */
export const ingestPredictions: Handler = ingestHandler({
  parameters: ['undeclaredFeatures'],
  prepare: preparePredictions,
  store: predictionStore,
});

/** `POST /v1/outcomes` */
export const ingestOutcomes: Handler = ingestHandler({
  parameters: [],
  prepare: prepareOutcomes,
  store: outcomeStore,
});
