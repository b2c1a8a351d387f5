import type { WriteField } from './guarded-text.ts';
import { keepText, keptText } from './kept-text.ts';
import { joined } from './promised-text.ts';

/** Writes a field of the object that it is given. */
export interface FieldWriter {
  readonly name: string;
  readonly write: WriteField;
  readonly isFixed: boolean;
}

const OBJECT = ['{', '}'] as const;
const MEMBERS = ['', ''] as const;

export const comma = (index: number): string => (index === 0 ? '' : ',');

/** Writes what follows from an immutable object alone, once. */
const once = (write: WriteField): WriteField => {
  const part = {};
  return (run, source, path) => {
    const known = keptText(source as object, part);
    if (known !== undefined) return known;
    const before = run.errors.length;
    const text = write(run, source, path);
    if (typeof text === 'string' && run.errors.length === before) {
      keepText(source as object, part, text);
    }
    return text;
  };
};

/** What an object has, with what stands before it. */
interface Member {
  readonly head: string;
  readonly write: WriteField;
}

const membersOf = (fields: readonly FieldWriter[]): readonly Member[] =>
  fields.map(({ name, write }, index) => ({
    head: `${comma(index)}${JSON.stringify(name)}:`,
    write,
  }));

const membersWriter =
  (brackets: readonly [string, string], members: readonly Member[]): WriteField =>
  (run, source, path) =>
    joined(
      brackets,
      members,
      (index) => members[index]?.head ?? '',
      ({ write }) => write(run, source, path),
    );

/** The fields of an immutable object, those that stand side by side and are fixed as one member. */
const immutableMembers = (fields: readonly FieldWriter[]): readonly Member[] => {
  const groups: FieldWriter[][] = [];
  for (const field of fields) {
    const last = groups.at(-1);
    if (last?.[0]?.isFixed === field.isFixed) last.push(field);
    else groups.push([field]);
  }
  return groups.map((group, index) => {
    const write = membersWriter(MEMBERS, membersOf(group));
    return { head: comma(index), write: group[0]?.isFixed === true ? once(write) : write };
  });
};

/** Writes an object of its fields. What follows from an immutable one alone is written once. */
export const membersText = (fields: readonly FieldWriter[], isImmutable: boolean): WriteField =>
  membersWriter(OBJECT, isImmutable ? immutableMembers(fields) : membersOf(fields));
