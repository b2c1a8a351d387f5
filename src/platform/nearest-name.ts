/** The name that was probably meant: equal but for case and separators, or at most two edits away; null when none is. */
export const nearestName = (written: string, names: readonly string[]): string | null => {
  if (written.length > 100) return null;
  const plain = plainForm(written);
  let nearest: string | null = null;
  let least = 3;
  for (const name of names) {
    const distance = editDistance(plain, plainForm(name));
    if (distance < least && distance < name.length / 2) {
      nearest = name;
      least = distance;
    }
  }
  return nearest;
};

const plainForm = (name: string): string => name.toLowerCase().replaceAll(/[-_ ]/g, '');

const editDistance = (one: string, other: string): number => {
  let row = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
};
