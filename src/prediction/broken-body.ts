/** A body that ended before its end, or cannot be unpacked further. What came before it was read and stands. */
export class BrokenBodyError extends Error {
  override readonly name = 'BrokenBodyError';
  readonly code: 'TRUNCATED_BODY' | 'CORRUPT_BODY';
  constructor(code: BrokenBodyError['code'], message: string) {
    super(message);
    this.code = code;
  }
}
