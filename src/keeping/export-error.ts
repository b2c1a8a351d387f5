/** An installation cannot be exported, or an export not imported; the message says what to do. */
export class ExportError extends Error {
  override readonly name = 'ExportError';
}
