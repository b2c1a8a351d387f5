import { type ByteWriter, putBytes } from '../platform/byte-writer.ts';

/** Text with gaps: a text, the value of a cell, a text, and so on, and a text at the end. */
export interface RowTemplate {
  readonly texts: readonly Buffer[];
  readonly cells: readonly number[];
}

/** A text, or the number of a cell. */
export type Part = string | number;

export const rowTemplate = (parts: readonly Part[]): RowTemplate => {
  const texts: string[] = [''];
  const cells: number[] = [];
  for (const part of parts) {
    if (typeof part === 'string') {
      texts[texts.length - 1] += part;
    } else {
      cells.push(part);
      texts.push('');
    }
  }
  return { texts: texts.map((text) => Buffer.from(text)), cells };
};

/** Texts of cells, one after another, and where each of them stands. */
export interface Cells {
  readonly found: ByteWriter;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

const NOTHING = Buffer.alloc(0);

export const putTemplate = (
  writer: ByteWriter,
  { texts, cells }: RowTemplate,
  { found, starts, ends }: Cells,
): void => {
  for (let i = 0; i < cells.length; i += 1) {
    putBytes(writer, texts[i] ?? NOTHING);
    const cell = cells[i] ?? 0;
    putBytes(writer, found.bytes, starts[cell] ?? 0, ends[cell] ?? 0);
  }
  putBytes(writer, texts[cells.length] ?? NOTHING);
};
