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

/** A text to compare stored ones with: what PostgreSQL cannot hold equals nothing that it holds. */
export const comparableText = (text: string): string =>
  unstorableText(text) === null ? text : '\ufffd\ufffd';
