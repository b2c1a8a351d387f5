import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { Command } from 'commander';
import { type Connection, connect, type TargetOptions, withTarget } from './connection.ts';
import { CommandError, EXIT } from './exit.ts';
import { type Progress, progressBar } from './progress.ts';

/** One line of the server's answer: about an input line, or a summary at the end. */
interface AnswerLine {
  readonly line?: number;
  readonly status?: string;
  readonly code?: string;
  readonly path?: string | null;
  readonly message?: string;
  readonly acknowledged?: number;
  readonly summary?: Summary;
  readonly error?: { readonly code: string; readonly message: string };
}

/** What became of the lines: numbers such as `received`, `stored`, `duplicates` and `rejected`. */
export type Summary = Readonly<Record<string, number>>;

export interface SentFile {
  readonly file: string;
  readonly summary: Summary;
  readonly refused: readonly AnswerLine[];
}

/** Refused lines that are shown; all of them are kept by the server. */
const SHOWN = 20;

const isGzip = async (file: string): Promise<boolean> => {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer.readUInt16BE() === 0x1f8b;
  } finally {
    await handle.close();
  }
};

async function* counted(source: Readable, progress: Progress): AsyncGenerator<Buffer> {
  for await (const chunk of source as AsyncIterable<Buffer>) {
    progress.add(chunk.length);
    yield chunk;
  }
}

/** The lines of an NDJSON answer as they arrive. */
async function* answerLines(response: Response): AsyncGenerator<AnswerLine> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as AnswerLine;
  }
  if (rest !== '') yield JSON.parse(rest) as AnswerLine;
}

/** Streams a file, or standard input as `-`, to a route of the server. */
export const sendFile = async (
  { send }: Connection,
  path: string,
  file: string,
  label: string,
): Promise<SentFile> => {
  const isStandardInput = file === '-';
  const gzip = !isStandardInput && (await isGzip(file).catch(unreadable(file)));
  const size = isStandardInput ? 0 : (await stat(file)).size;
  const progress = progressBar(label, size, 'bytes');
  const source = isStandardInput ? process.stdin : createReadStream(file);
  try {
    const response = await send(path, Readable.from(counted(source, progress)), {
      'content-type': 'application/x-ndjson',
      ...(gzip ? { 'content-encoding': 'gzip' } : {}),
    });
    return await readAnswer(file, response);
  } finally {
    progress.stop();
  }
};

const unreadable = (file: string) => (error: unknown) => {
  throw new CommandError(`${file} cannot be read: ${(error as Error).message}.`, EXIT.notFound);
};

const readAnswer = async (file: string, response: Response): Promise<SentFile> => {
  let summary: Summary | undefined;
  const refused: AnswerLine[] = [];
  for await (const line of answerLines(response)) {
    if (line.error !== undefined) {
      throw new CommandError(
        `${file}: ${line.error.message}`,
        response.ok ? EXIT.unreachable : EXIT.refused,
      );
    }
    if (line.status === 'REJECTED' && refused.length < SHOWN) refused.push(line);
    summary = line.summary ?? summary;
  }
  if (summary === undefined) {
    throw new CommandError(
      `${file}: the answer broke off. What was stored is stored; send the file again, duplicates change nothing.`,
      EXIT.unreachable,
    );
  }
  return { file, summary, refused };
};

const inWords = (summary: Summary): string =>
  Object.entries(summary)
    .map(([name, count]) => `${count.toLocaleString('en')} ${name}`)
    .join(', ');

const print = ({ file, summary, refused }: SentFile, isJson: boolean): void => {
  if (isJson) {
    process.stdout.write(`${JSON.stringify({ file, ...summary, refused })}\n`);
    return;
  }
  process.stdout.write(`${file === '-' ? 'standard input' : file}: ${inWords(summary)}\n`);
  for (const { line, path, code, message } of refused) {
    process.stdout.write(
      `  line ${line}${path == null ? '' : `, ${path}`} (${code}): ${message}\n`,
    );
  }
  const hidden = (summary.rejected ?? 0) - refused.length;
  if (hidden > 0) process.stdout.write(`  … and ${hidden} more; see: hindcast rejected list\n`);
};

interface SendOptions extends TargetOptions {
  readonly json?: boolean;
  readonly undeclared?: string;
}

const sendAll =
  (route: string, label: string) =>
  async (files: readonly string[], options: SendOptions): Promise<void> => {
    const path =
      options.undeclared === undefined
        ? route
        : `${route}?undeclaredFeatures=${options.undeclared}`;
    const connection = await connect(options);
    try {
      for (const file of files.length === 0 ? ['-'] : files) {
        const sent = await sendFile(connection, path, file, label);
        print(sent, options.json === true);
        if ((sent.summary.rejected ?? 0) > 0) process.exitCode = EXIT.refused;
      }
    } finally {
      await connection.close();
    }
  };

export const PREDICTIONS_ROUTE = '/v1/predictions';
export const OUTCOMES_ROUTE = '/v1/outcomes';

export const ingestCommand = (): Command =>
  withTarget(new Command('ingest'))
    .description(
      'Append predictions: NDJSON, plain or gzip. What is refused is kept and can be retried.',
    )
    .argument('[files...]', 'files, or - for standard input (default: standard input)')
    .option('--undeclared <what>', 'keep or reject rows with undeclared features (default: reject)')
    .option('--json', 'print one JSON result a file')
    .addHelpText('after', '\nExample:\n  hindcast ingest examples/flights/predictions.ndjson.gz')
    .action(sendAll(PREDICTIONS_ROUTE, 'predictions'));

export const outcomesCommand = (): Command =>
  withTarget(new Command('outcomes'))
    .description(
      'Record observed outcomes: NDJSON, plain or gzip, before or after their predictions.',
    )
    .argument('[files...]', 'files, or - for standard input (default: standard input)')
    .option('--json', 'print one JSON result a file')
    .addHelpText('after', '\nExample:\n  hindcast outcomes examples/flights/outcomes.ndjson.gz')
    .action(sendAll(OUTCOMES_ROUTE, 'outcomes'));
