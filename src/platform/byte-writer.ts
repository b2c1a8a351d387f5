/** Bytes while they are written, in memory that grows. */
export interface ByteWriter {
  bytes: Buffer<ArrayBuffer>;
  length: number;
}

export const byteWriter = (capacity: number): ByteWriter => ({
  bytes: Buffer.allocUnsafeSlow(capacity),
  length: 0,
});

/** Makes room for so many more bytes. */
const reserve = (writer: ByteWriter, count: number): void => {
  const needed = writer.length + count;
  if (needed <= writer.bytes.length) return;
  const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * writer.bytes.length));
  writer.bytes.copy(grown, 0, 0, writer.length);
  writer.bytes = grown;
};

/** Below this, a loop takes less time than the call that copies. */
const SHORT = 64;

export const putBytes = (
  writer: ByteWriter,
  source: Buffer,
  start = 0,
  end: number = source.length,
): void => {
  const count = end - start;
  reserve(writer, count);
  const { bytes, length } = writer;
  if (count > SHORT) source.copy(bytes, length, start, end);
  else for (let i = 0; i < count; i += 1) bytes[length + i] = source[start + i] ?? 0;
  writer.length = length + count;
};

export const putByte = (writer: ByteWriter, byte: number): void => {
  reserve(writer, 1);
  writer.bytes[writer.length] = byte;
  writer.length += 1;
};

/** Text whose characters are all below U+0100, one byte each. */
export const putLatin1 = (writer: ByteWriter, text: string): void => {
  reserve(writer, text.length);
  const { bytes, length } = writer;
  if (text.length > SHORT) bytes.write(text, length, 'latin1');
  else for (let i = 0; i < text.length; i += 1) bytes[length + i] = text.charCodeAt(i);
  writer.length = length + text.length;
};

/** Any text, in UTF-8. */
export const putText = (writer: ByteWriter, text: string): void => {
  // No UTF-16 unit takes more than three bytes.
  reserve(writer, text.length * 3);
  writer.length += writer.bytes.write(text, writer.length, 'utf8');
};

const ZERO = 0x30;

/** Most digits of a whole number that is safe. */
const DIGITS = 16;

/** A whole number between -2^53 and 2^53, -0 as 0. */
export const putWhole = (writer: ByteWriter, value: number): void => {
  reserve(writer, DIGITS + 1);
  const { bytes } = writer;
  if (value < 0) {
    bytes[writer.length] = MINUS;
    writer.length += 1;
  }
  const size = Math.abs(value);
  let count = 1;
  for (let bound = 10; bound <= size; bound *= 10) count += 1;
  // Halves that fit 32 bits are divided quickly.
  let high = Math.floor(size / HALF);
  let low = size - high * HALF;
  for (let place = count - 1; place >= 0; place -= 1) {
    if (count - 1 - place === HALF_DIGITS) {
      low = high;
      high = 0;
    }
    const next = Math.floor(low / 10);
    bytes[writer.length + place] = ZERO + low - next * 10;
    low = next;
  }
  writer.length += count;
};

const MINUS = 0x2d;
const HALF_DIGITS = 8;
const HALF = 10 ** HALF_DIGITS;

const HEX = Buffer.from('0123456789abcdef');

/** Bytes in hexadecimal. */
export const putHex = (writer: ByteWriter, source: Buffer, start: number, end: number): void => {
  reserve(writer, 2 * (end - start));
  const { bytes } = writer;
  let { length } = writer;
  for (let i = start; i < end; i += 1) {
    const byte = source[i] ?? 0;
    bytes[length] = HEX[byte >> 4] ?? 0;
    bytes[length + 1] = HEX[byte & 15] ?? 0;
    length += 2;
  }
  writer.length = length;
};
