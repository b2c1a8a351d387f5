/**
 * Why PostgreSQL cannot store this text unchanged, to follow "which"; null when it can. U+0000 is refused by its
 * text type, and half a surrogate pair has no UTF-8 form: an encoder would silently write U+FFFD.
 */
export const unstorableText = (text: string): string | null => {
  if (text.includes('\0')) return 'contains U+0000, which no stored text may hold; remove it';
  if (/\p{Surrogate}/u.test(text)) {
    return 'contains half of a surrogate pair, which is not Unicode; send both halves or neither';
  }
  return null;
};

/**
 * The same of a text that is to be read again on its own, and not as a part of a JSON text or an array: the embedded
 * engine's decoder takes a leading U+FEFF for a byte order mark, and away.
 */
export const unreadableText = (text: string): string | null =>
  text.startsWith('\ufeff')
    ? 'begins with U+FEFF, a byte order mark, which readers take away; remove it'
    : unstorableText(text);

/** A text to compare stored ones with: what PostgreSQL cannot hold equals nothing that it holds. */
export const comparableText = (text: string): string =>
  unstorableText(text) === null ? text : '\ufffd\ufffd';
