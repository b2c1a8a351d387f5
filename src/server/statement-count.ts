import { AsyncLocalStorage } from 'node:async_hooks';
import type { Database } from '../platform/database.ts';
import type { RequestRecord } from './request-record.ts';

/**
 * Counts the SQL statements of each request in its record. What several requests share, the first one is charged for.
 * Knowing whom a statement belongs to costs every request some time, so it is done only where somebody wants to know.
 */
export const countStatements = (
  database: Database,
): ((record: RequestRecord, work: () => void) => void) => {
  const requests = new AsyncLocalStorage<RequestRecord>();
  database.observe(() => {
    const record = requests.getStore();
    if (record !== undefined) record.statements += 1;
  });
  return (record, work) => requests.run(record, work);
};
