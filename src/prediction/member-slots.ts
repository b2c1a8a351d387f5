import { putBytes, putLatin1 } from '../platform/byte-writer.ts';
import { stringifyExactJson } from '../platform/exact-json.ts';
import { formatInstant } from '../platform/instant.ts';
import { elementsAt, type JsonMember, type JsonPlace, membersAt } from '../platform/json-places.ts';
import { LOWER_N, MINUS, OPEN_BRACE, OPEN_BRACKET, QUOTE, ZERO } from './ascii.ts';
import { copyNumber, copyText } from './copy-text.ts';
import { readInstant } from './line-instant.ts';
import { readNamedNumber, readNumber } from './line-number.ts';
import { CELL, type PatternReading, type PatternSlot } from './line-pattern.ts';
import { endOfSame, NOT_READ } from './line-reading.ts';
import { readQuoted, readText } from './line-text.ts';
import { MAX_TRACE_ID_BYTES } from './prediction-record.ts';
import { MAX_IDENTIFIER_BYTES } from './record-members.ts';
import type { Part } from './row-template.ts';

/** Where the value of a cell stands in a line, and how it is read. */
export interface Slot extends JsonPlace {
  readonly read: PatternSlot;
  readonly cell: number;
}

/** The members of a prediction that differ from line to line. What it refers to does not, within a pattern. */
export const memberSlots = (members: readonly JsonMember[]): readonly Slot[] =>
  members.flatMap(({ key, start, end }) => {
    const slot = SLOTS.get(key);
    return slot === undefined ? [] : [{ start, end, ...slot }];
  });

const orNull =
  (read: PatternSlot): PatternSlot =>
  (reading, at) => {
    if (reading.line[at] !== LOWER_N) return read(reading, at);
    putLatin1(reading.found, '\\N');
    return endOfSame(reading.line, at, NULL);
  };

const textOf =
  (least: number, most: number = MAX_IDENTIFIER_BYTES): PatternSlot =>
  (reading, at) =>
    readText(reading, at, least, most);

const readOccurredAt: PatternSlot = (reading, at) => {
  const end = readInstant(reading, at);
  if (end < 0) return NOT_READ;
  const { line, found, instant } = reading;
  if (instant < 0 || instant > reading.latest) return NOT_READ;
  reading.occurredAt = instant;
  // With microseconds where they are not 0, as it is stored.
  if (end - at === MICROSECOND_TEXT && instant % 1000 !== 0) putBytes(found, line, at + 1, end - 1);
  else putLatin1(found, formatInstant(instant));
  return end;
};

const MICROSECOND_TEXT = '"2026-04-03T14:03:27.123456Z"'.length;

const readItem: PatternSlot = (reading, at) => {
  if (reading.line[at] === MINUS) return NOT_READ;
  const end = readNumber(reading, at, ITEM_DIGITS, false, null);
  for (let i = at; i < end; i += 1)
    reading.item = reading.item * 10 + (reading.line[i] ?? 0) - ZERO;
  return end;
};

const ITEM_DIGITS = 9;
const DIGITS = 15;

const readScore: PatternSlot = (reading, at) =>
  reading.line[at] === QUOTE
    ? readNamedNumber(reading, at)
    : readNumber(reading, at, DIGITS, true, copyNumber);

const readLatency: PatternSlot = (reading, at) =>
  reading.line[at] === MINUS ? NOT_READ : readNumber(reading, at, DIGITS, true, copyNumber);

const SLOTS: ReadonlyMap<string, Pick<Slot, 'read' | 'cell'>> = new Map([
  ['requestId', { read: textOf(1), cell: CELL.REQUEST_ID }],
  ['occurredAt', { read: readOccurredAt, cell: CELL.OCCURRED_AT }],
  ['item', { read: readItem, cell: CELL.ITEM }],
  ['entityKey', { read: orNull(textOf(1)), cell: CELL.ENTITY_KEY }],
  ['traceId', { read: orNull(textOf(1, MAX_TRACE_ID_BYTES)), cell: CELL.TRACE_ID }],
  ['score', { read: orNull(readScore), cell: CELL.SCORE }],
  ['label', { read: orNull(textOf(0)), cell: CELL.LABEL }],
  ['latencyMs', { read: orNull(readLatency), cell: CELL.LATENCY }],
]);

/** The output as it is stored, members in the order of their names; a cell for each value that is no object or array. */
export const outputTemplate = (
  line: Buffer,
  place: JsonPlace,
  firstCell: number,
  leaves: Slot[],
): readonly Part[] => {
  const listOf = (parts: readonly (readonly Part[])[]): readonly Part[] =>
    parts.flatMap((each, index) => (index === 0 ? each : [',', ...each]));
  const partsOf = ({ start, end }: JsonPlace): readonly Part[] => {
    if (line[start] === OPEN_BRACKET)
      return ['[', ...listOf(elementsAt(line, start).map(partsOf)), ']'];
    if (line[start] === OPEN_BRACE) {
      const members = membersAt(line, start)
        .toSorted((one, other) => (one.key < other.key ? -1 : 1))
        .map((member) => [copyText(`${JSON.stringify(member.key)}:`), ...partsOf(member)]);
      return ['{', ...listOf(members), '}'];
    }
    const cell = firstCell + leaves.length;
    leaves.push({ start, end, read: readLeaf, cell });
    return [cell];
  };
  return partsOf(place);
};

const readLeaf: PatternSlot = (reading, at) => {
  const byte = reading.line[at];
  if (byte === QUOTE) return readQuoted(reading, at);
  const word = byte === undefined ? undefined : WORDS.get(byte);
  return word === undefined
    ? readNumber(reading, at, DIGITS, true, stringifyExactJson)
    : readWord(reading, at, word);
};

const readWord = (reading: PatternReading, at: number, word: Buffer): number => {
  putBytes(reading.found, word);
  return endOfSame(reading.line, at, word);
};

const NULL = Buffer.from('null');
const WORDS: ReadonlyMap<number, Buffer> = new Map(
  ['null', 'true', 'false'].map((word) => [word.charCodeAt(0), Buffer.from(word)]),
);
