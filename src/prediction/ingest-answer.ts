import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { RETRY_SECONDS } from '../platform/database.ts';
import type { AppendReport, RecordResult } from './append-report.ts';

/** Writes the answer to a stream of records, as fast as it is read. */
export interface IngestAnswer {
  /** Tells what became of a batch; every line up to `line` is then committed. */
  readonly report: (report: AppendReport, line: number) => Promise<void>;
  /** The last line, with the counts of all batches. */
  readonly summarise: () => Promise<void>;
  /** The last line when the rest could not be stored; an answer of its own when nothing was said yet. */
  readonly fail: () => Promise<void>;
}

const COUNTS = ['received', 'stored', 'duplicates', 'conflicts', 'rejected'] as const;

const resultLine = ({ rejectedId: _, ...result }: RecordResult): string => JSON.stringify(result);

export const ingestAnswer = (response: ServerResponse): IngestAnswer => {
  const summary = { received: 0, stored: 0, duplicates: 0, conflicts: 0, rejected: 0 };
  let acknowledged = 0;
  const write = async (lines: readonly string[]): Promise<void> => {
    if (response.destroyed) return;
    if (!response.headersSent) {
      response.writeHead(200, { 'content-type': 'application/x-ndjson; charset=utf-8' });
    }
    if (!response.write(lines.map((line) => `${line}\n`).join(''))) await drained(response);
  };
  return {
    report: async (report, line) => {
      for (const name of COUNTS) summary[name] += report[name];
      acknowledged = line;
      await write([...report.results.map(resultLine), JSON.stringify({ acknowledged })]);
    },
    summarise: async () => {
      await write([JSON.stringify({ summary })]);
      await end(response);
    },
    fail: async () => {
      const message = `The database cannot store records now: ${acknowledged} lines were acknowledged; send the rest again.`;
      const error = { code: 'UNAVAILABLE', message };
      if (response.headersSent) {
        await write([JSON.stringify({ error })]);
        await end(response);
      } else {
        await answerError(response, 503, error, { 'retry-after': String(RETRY_SECONDS) });
      }
    },
  };
};

/** Answers with an error alone. The rest of the body is not read, so the connection ends. */
export const answerError = async (
  response: ServerResponse,
  status: number,
  { code, message }: { readonly code: string; readonly message: string },
  headers: Readonly<Record<string, string>> = {},
): Promise<void> => {
  const own = { 'content-type': 'application/json; charset=utf-8', connection: 'close' };
  response.writeHead(status, { ...own, ...headers });
  response.write(`${JSON.stringify({ error: { code, message } })}\n`);
  await end(response);
};

/** Resolves when the caller has read enough to go on, or is gone. */
const drained = async (response: ServerResponse): Promise<void> => {
  const stop = new AbortController();
  const options = { signal: stop.signal };
  const waits = [once(response, 'drain', options), once(response, 'close', options)];
  await Promise.race(waits);
  for (const wait of waits) wait.catch(() => {});
  stop.abort();
};

const end = async (response: ServerResponse): Promise<void> => {
  if (response.destroyed) return;
  await new Promise<void>((resolve) => {
    response.once('close', resolve);
    response.end(() => resolve());
  });
};
