import { type DestinationStream, destination, type Logger, pino } from 'pino';

/**
 * Structured logs, one JSON object a line, on standard error: standard output is for answers. Lines that come while one is
 * being written go out together after it; what is left is written when the process ends.
 */
export const createLog = (
  level: string,
  stream: DestinationStream = destination({ dest: 2, sync: false }),
): Logger =>
  pino({ level, base: null, timestamp: () => `,"time":"${new Date().toISOString()}"` }, stream);
