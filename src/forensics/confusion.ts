/** How often one label was predicted where another, or the same, was observed. */
export interface ConfusionCell {
  readonly predicted: string;
  readonly observed: string;
  readonly count: number;
}

/** How well one label was predicted. A ratio without a denominator is null. */
export interface LabelQuality {
  readonly label: string;
  readonly predictedCount: number;
  readonly observedCount: number;
  readonly correctCount: number;
  readonly precision: number | null;
  readonly recall: number | null;
}

const ratio = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

/** Share of the cases whose label was predicted; null when there are none. */
export const accuracyOf = (cells: readonly ConfusionCell[]): number | null => {
  let [correct, all] = [0, 0];
  for (const { predicted, observed, count } of cells) {
    all += count;
    if (predicted === observed) correct += count;
  }
  return ratio(correct, all);
};

/** Precision and recall of every label, the most observed first, then by label. */
export const labelQualities = (cells: readonly ConfusionCell[]): readonly LabelQuality[] => {
  const totals = new Map<string, { predicted: number; observed: number; correct: number }>();
  const totalsOf = (label: string) => {
    const known = totals.get(label) ?? { predicted: 0, observed: 0, correct: 0 };
    totals.set(label, known);
    return known;
  };
  for (const { predicted, observed, count } of cells) {
    totalsOf(predicted).predicted += count;
    totalsOf(observed).observed += count;
    if (predicted === observed) totalsOf(observed).correct += count;
  }
  return [...totals]
    .map(([label, { predicted, observed, correct }]) => ({
      label,
      predictedCount: predicted,
      observedCount: observed,
      correctCount: correct,
      precision: ratio(correct, predicted),
      recall: ratio(correct, observed),
    }))
    .sort((a, b) => b.observedCount - a.observedCount || (a.label < b.label ? -1 : 1));
};
