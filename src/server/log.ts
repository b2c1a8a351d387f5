import { type DestinationStream, destination, type Logger, pino } from 'pino';

/** Structured logs, one JSON object a line, on standard error: standard output is for answers. */
export const createLog = (level: string, stream: DestinationStream = destination(2)): Logger =>
  pino({ level, base: null, timestamp: () => `,"time":"${new Date().toISOString()}"` }, stream);
