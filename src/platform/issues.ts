import { CanonicalJsonError, canonicalJson, type JsonValue } from './canonical-json.ts';
import type { InputIssue } from './errors.ts';
import { unreadableText, unstorableText } from './storable-text.ts';

/** Collects everything wrong with an input, with the path to each field. */
export interface Issues {
  readonly list: readonly InputIssue[];
  add(path: readonly (string | number)[], message: string): void;
  /** A name: 1 to 200 characters, without control characters or outer white space. */
  name(path: readonly (string | number)[], value: string): void;
  /** Free text of at most `limit` characters. */
  text(path: readonly (string | number)[], value: string | null | undefined, limit?: number): void;
  /** Canonical JSON text, or `{}` after noting why there is none. */
  json(path: readonly (string | number)[], value: JsonValue): string;
}

// Control characters, which no name needs and which garble a terminal.
const CONTROL = /\p{Cc}/u;

export const collectIssues = (): Issues => {
  const list: InputIssue[] = [];
  const add: Issues['add'] = (path, message) => {
    list.push({ path: path.map(String), message });
  };
  return {
    list,
    add,
    name: (path, value) => {
      const field = String(path.at(-1));
      const quoted = JSON.stringify(value.slice(0, 60));
      if (value === '' || value.trim() !== value) {
        add(
          path,
          `${field} is ${quoted}: give 1 to 200 characters without white space around them.`,
        );
      } else if (value.length > 200) {
        add(path, `${field} has ${value.length} characters; give at most 200.`);
      } else if (CONTROL.test(value) || unstorableText(value) !== null) {
        add(path, `${field} is ${quoted}, which holds a control character; take it out.`);
      }
    },
    text: (path, value, limit = 2000) => {
      if (value == null) return;
      const field = String(path.at(-1));
      const reason = unreadableText(value);
      if (reason !== null) add(path, `${field} cannot be stored: ${reason}.`);
      else if (value.length > limit) {
        add(path, `${field} has ${value.length} characters; give at most ${limit}.`);
      }
    },
    json: (path, value) => {
      try {
        return canonicalJson(value);
      } catch (error) {
        if (!(error instanceof CanonicalJsonError)) throw error;
        add(path, `${String(path.at(-1))} has no canonical form. ${error.message}.`);
        return '{}';
      }
    },
  };
};
