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
