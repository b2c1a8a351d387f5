import { channel } from 'node:diagnostics_channel';
import type { RejectedRecordKind } from '../generated/prisma/enums.ts';
import type { Instant } from '../platform/instant.ts';
import type { AppendReport, PreparedBatch, StagedRecord } from './append-report.ts';

/** A batch that was committed. */
export interface AppendEvent {
  readonly kind: RejectedRecordKind;
  readonly report: AppendReport;
  /** When the newest prediction of it was made; null when there is none. */
  readonly newest: Instant | null;
}

const appended = channel('hindcast:append');

/** Calls the listener with each batch that this process commits; returns the way to stop. */
export const onAppended = (listener: (event: AppendEvent) => void): (() => void) => {
  const receive = (event: unknown) => listener(event as AppendEvent);
  appended.subscribe(receive);
  return () => {
    appended.unsubscribe(receive);
  };
};

/** Tells the listeners. Costs nothing when there are none. */
export const announceAppended = (
  kind: RejectedRecordKind,
  { staged }: PreparedBatch<StagedRecord>,
  report: AppendReport,
): void => {
  if (!appended.hasSubscribers) return;
  let newest: Instant | null = null;
  for (const record of staged) {
    if ('occurredAt' in record && typeof record.occurredAt === 'number') {
      newest = Math.max(newest ?? record.occurredAt, record.occurredAt);
    }
  }
  const event: AppendEvent = { kind, report, newest };
  appended.publish(event);
};
