import type { Instant } from '../platform/instant.ts';
import { type CountEstimate, totalOf } from '../prediction/count-estimate.ts';

/** How the log can contradict the registry. */
export type DisagreementKind = 'VERSION_NOT_DEPLOYED' | 'SCHEMA_NOT_EXPECTED';

/** Predictions of one version and schema within a time throughout which the same was believed. */
export interface Cell extends CountEstimate {
  readonly modelVersionId: number;
  readonly featureSchemaId: number;
  readonly from: Instant;
  readonly to: Instant;
  readonly firstAt: Instant;
  readonly lastAt: Instant;
}

/** A time in which the log shows what the registry did not believe. */
export interface Disagreement extends CountEstimate {
  readonly kind: DisagreementKind;
  readonly modelVersionId: number;
  readonly featureSchemaId: number;
  readonly firstAt: Instant;
  readonly lastAt: Instant;
}

export interface Beliefs {
  readonly isDeployed: (modelVersionId: number, at: Instant) => boolean;
  readonly isExpected: (modelVersionId: number, featureSchemaId: number) => boolean;
}

const kindsOf = (
  { modelVersionId, featureSchemaId, firstAt }: Cell,
  { isDeployed, isExpected }: Beliefs,
): readonly DisagreementKind[] => [
  ...(isDeployed(modelVersionId, firstAt) ? [] : (['VERSION_NOT_DEPLOYED'] as const)),
  ...(isExpected(modelVersionId, featureSchemaId) ? [] : (['SCHEMA_NOT_EXPECTED'] as const)),
];

const HOUR = 3_600_000_000;

/** A disagreement goes on through a quiet night, but not through a longer silence. */
const LONGEST_SILENCE = 24 * HOUR;

type Open = Disagreement & { readonly to: Instant };

/** Whether the version answered as believed between two times. */
const agreedBetween = (agreeing: readonly Cell[], version: number, from: Instant, to: Instant) =>
  agreeing.some((cell) => cell.modelVersionId === version && cell.from >= from && cell.to <= to);

/** Disagreements in order of time. Those of one version and schema are one until the log and the registry agree again. */
export const disagreementsOf = (
  cells: readonly Cell[],
  beliefs: Beliefs,
): readonly Disagreement[] => {
  const open = new Map<string, Open>();
  const closed: Open[] = [];
  const agreeing = cells.filter((cell) => kindsOf(cell, beliefs).length === 0);
  for (const cell of [...cells].sort((a, b) => a.from - b.from)) {
    const { modelVersionId, featureSchemaId, firstAt, lastAt, from, to } = cell;
    for (const kind of kindsOf(cell, beliefs)) {
      const key = `${kind} ${modelVersionId} ${featureSchemaId}`;
      const before = open.get(key);
      const goesOn =
        before !== undefined &&
        from - before.to <= LONGEST_SILENCE &&
        !agreedBetween(agreeing, modelVersionId, before.to, from);
      if (before !== undefined && !goesOn) closed.push(before);
      open.set(key, {
        kind,
        modelVersionId,
        featureSchemaId,
        ...totalOf(goesOn ? [before, cell] : [cell]),
        firstAt: goesOn ? before.firstAt : firstAt,
        lastAt,
        to,
      });
    }
  }
  return [...closed, ...open.values()]
    .map(({ to: _, ...disagreement }) => disagreement)
    .sort(
      (a, b) =>
        a.firstAt - b.firstAt ||
        (a.kind < b.kind ? -1 : Number(a.kind > b.kind)) ||
        a.modelVersionId - b.modelVersionId ||
        a.featureSchemaId - b.featureSchemaId,
    );
};

/** A window cut where the belief changes: hours that lie between the cuts as a whole, and the pieces of the others. */
export const cutWindow = (
  from: Instant,
  to: Instant,
  changes: readonly Instant[],
): {
  /** Starts of the hours that a cut falls into. */
  readonly cutHours: readonly Instant[];
  readonly pieces: readonly { readonly from: Instant; readonly to: Instant }[];
} => {
  const cuts = [...new Set([from, ...changes.filter((at) => at > from && at < to), to])].sort(
    (a, b) => a - b,
  );
  const cutHours = [
    ...new Set(cuts.filter((at) => at % HOUR !== 0).map((at) => Math.floor(at / HOUR) * HOUR)),
  ];
  const pieces = cutHours.flatMap((hour) => {
    const inside = cuts.filter((at) => at > hour && at < hour + HOUR);
    const bounds = [hour, ...inside, hour + HOUR];
    return bounds
      .slice(1)
      .map((end, index) => ({ from: bounds[index] ?? hour, to: end }))
      .filter((piece) => piece.from >= from && piece.to <= to);
  });
  return { cutHours, pieces };
};
