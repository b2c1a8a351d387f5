/** Exit codes, for scripts. */
export const EXIT = { done: 0, refused: 1, usage: 2, notFound: 3, unreachable: 4 } as const;

export const EXIT_CODES = `
Exit codes:
  0  done
  1  something was refused: the message, or the rejected lines, say what and why
  2  wrong usage
  3  not found
  4  the database or the server cannot be reached`;

/** Ends a command with one line on standard error and an exit code. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;
  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}
