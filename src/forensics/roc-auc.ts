/**
 * Area under the ROC curve: the probability that a positive case scores above a negative one, ties counting half (the
 * Mann–Whitney statistic over the number of pairs). Both lists sorted and without NaN. Null when one is empty.
 */
export const rocAuc = (positives: Float64Array, negatives: Float64Array): number | null => {
  if (positives.length === 0 || negatives.length === 0) return null;
  // Twice the number of pairs won, so that every step adds an integer and no digit is lost.
  let [twiceWon, below, notAbove] = [0, 0, 0];
  for (const score of positives) {
    while (below < negatives.length && (negatives[below] ?? 0) < score) below += 1;
    while (notAbove < negatives.length && (negatives[notAbove] ?? 0) <= score) notAbove += 1;
    twiceWon += below + notAbove;
  }
  return twiceWon / 2 / positives.length / negatives.length;
};

/** Lowest and highest score that one version gave with one label. */
export interface LabelScores {
  readonly modelVersionId: number;
  readonly label: string;
  readonly min: number;
  readonly max: number;
}

/**
 * The label that stands for high scores: the one of two that every version which gave both of them gave only to scores
 * above all that it gave the other. Null when that names none, or versions disagree.
 */
export const inferPositiveLabel = (scores: readonly LabelScores[]): string | null => {
  const labels = new Set(scores.map(({ label }) => label));
  if (labels.size !== 2) return null;
  const ofVersion = new Map<number, readonly LabelScores[]>();
  for (const one of scores) {
    ofVersion.set(one.modelVersionId, [...(ofVersion.get(one.modelVersionId) ?? []), one]);
  }
  const named = [...ofVersion.values()].flatMap(([one, other]) => {
    if (one === undefined || other === undefined) return [];
    if (one.min > other.max) return [one.label];
    return other.min > one.max ? [other.label] : [null];
  });
  const [first = null] = named;
  return named.every((label) => label === first) ? first : null;
};
