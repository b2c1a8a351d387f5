import type { Connection } from './connection.ts';
import { runOperation } from './ready-made.ts';

export const percent = (share: number | null): string =>
  share === null ? 'unknown' : `${(share * 100).toFixed(1)} %`;

interface Cohort {
  readonly size: number;
  readonly modelVersions: readonly { readonly modelVersion: { readonly displayName: string } }[];
  readonly quality: { readonly accuracy: number | null };
}

interface Comparison {
  readonly compareCohorts: {
    readonly base: Cohort;
    readonly head: Cohort;
    readonly features: {
      readonly nodes: readonly {
        readonly name: string;
        readonly psi: number | null;
      }[];
    };
  };
}

const namesOf = ({ modelVersions }: Cohort): string =>
  modelVersions.map(({ modelVersion }) => modelVersion.displayName).join(', ');

const describedCohort = (cohort: Cohort): string =>
  `${cohort.size.toLocaleString('en')} answers of ${namesOf(cohort)}, of which ${percent(cohort.quality.accuracy)} were right`;

/** The days before the rollback beside those after it. */
export const rollout = async (connection: Connection): Promise<string> => {
  const { compareCohorts } = await runOperation<Comparison>(connection, 'compare');
  const { base, head, features } = compareCohorts;
  const moved = features.nodes
    .slice(0, 3)
    .map(({ name, psi }) => `${name}${psi === null ? '' : ` (PSI ${psi.toFixed(2)})`}`);
  return `${describedCohort(base)}, beside ${describedCohort(head)}. What moved most in the features, which one pipeline built: ${moved.join(', ')}.`;
};

interface Nearest {
  readonly predictionLog: {
    readonly label: string;
    readonly counterexamples: {
      readonly comparedCount: number;
      readonly nearest: readonly {
        readonly distance: number;
        readonly prediction: { readonly label: string; readonly occurredAt: string };
        readonly differences: readonly {
          readonly name: string;
          readonly own: string | null;
          readonly other: string | null;
        }[];
      }[];
    };
  };
}

/** The case most like the one that was asked about, with the other answer. */
export const nearest = async (connection: Connection): Promise<string> => {
  const { predictionLog } = await runOperation<Nearest>(connection, 'counterexample');
  const { comparedCount, nearest: cases } = predictionLog.counterexamples;
  const [first] = cases;
  if (first === undefined) return `None among ${comparedCount} cases.`;
  const { prediction, differences, distance } = first;
  const told = differences
    .slice(0, 3)
    .map(({ name, own, other }) => `${name} ${own ?? 'null'} → ${other ?? 'null'}`);
  return `${prediction.label} instead of ${predictionLog.label}, the nearest of ${comparedCount.toLocaleString('en')} (${prediction.occurredAt.slice(0, 16)}, Gower distance ${distance.toFixed(3)}): ${told.join(', ')}, and ${differences.length - told.length} smaller differences.`;
};
