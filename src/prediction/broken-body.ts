/** A body that ended before its end, or cannot or may not be unpacked further. What came before it was read and stands. */
export class BrokenBodyError extends Error {
  override readonly name = 'BrokenBodyError';
  readonly code: 'TRUNCATED_BODY' | 'CORRUPT_BODY' | 'COMPRESSION_LIMIT';
  constructor(code: BrokenBodyError['code'], message: string) {
    super(message);
    this.code = code;
  }
}
