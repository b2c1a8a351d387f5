import { readFile } from 'node:fs/promises';
import type { Connection } from './connection.ts';
import { proven } from './demo-proof.ts';
import { nearest, percent, rollout } from './demo-rollout.ts';
import { runOperation } from './ready-made.ts';

/** A part of the story that the API tells. */
interface Answer {
  readonly title: string;
  readonly text: string;
}

interface Figures {
  readonly window: { readonly from: string; readonly to: string };
}

const affected = async (connection: Connection, { window }: Figures): Promise<string> => {
  const { endpoint } = await runOperation<{
    endpoint: {
      disagreements: {
        nodes: readonly {
          modelVersion: { displayName: string };
          featureSchema: { name: string; semver: string };
          predictionCount: number;
          firstAt: string;
          lastAt: string;
        }[];
      };
    };
  }>(connection, 'disagreements');
  const { impact } = await runOperation<{
    impact: { predictionCount: number; entities: { nodes: readonly unknown[] } };
  }>(connection, 'impact', { during: window });
  const described = endpoint.disagreements.nodes.map(
    ({ modelVersion, featureSchema, predictionCount, firstAt, lastAt }) =>
      `${modelVersion.displayName} answered ${predictionCount.toLocaleString('en')} times from features of ${featureSchema.name} ${featureSchema.semver}, from ${firstAt.slice(0, 16)} to ${lastAt.slice(0, 16)} UTC.`,
  );
  return `The log contradicts the registry once: ${described.join(' ')} A fault in the January data would have reached all ${impact.predictionCount.toLocaleString('en')} predictions of that time, too.`;
};

const again = async (connection: Connection): Promise<string> => {
  const { predictionLog } = await runOperation<{
    predictionLog: Record<
      'again' | 'otherwise',
      {
        verdict: string;
        reason: string | null;
        message: string | null;
        score: { replayed: string } | null;
      }
    >;
  }>(connection, 'replay');
  const { again: own, otherwise } = predictionLog;
  return own.message === null
    ? `The same file on the same values: ${own.verdict}, ${own.score?.replayed ?? ''}. Version 1.1.0 would have said ${otherwise.score?.replayed ?? ''}: on time.`
    : own.message;
};

const cohort = async (connection: Connection): Promise<string> => {
  const { replayCohort } = await runOperation<{
    replayCohort: {
      summary: {
        attempted: number;
        replayed: number;
        flipCount: number | null;
        accuracyBefore: number | null;
        accuracyAfter: number | null;
      };
    };
  }>(connection, 'replay-cohort');
  const { attempted, replayed, flipCount, accuracyBefore, accuracyAfter } = replayCohort.summary;
  return replayed === 0
    ? `None of the ${attempted} predictions could be run again here.`
    : `${replayed.toLocaleString('en')} predictions run through 1.1.0: ${flipCount ?? 0} labels flip. ${percent(accuracyBefore)} were right, ${percent(accuracyAfter)} would have been.`;
};

const check = async (connection: Connection): Promise<string> => {
  const { endpoint } = await runOperation<{
    endpoint: {
      rollbackCheck: {
        verdict: string;
        checks: readonly { verdict: string; message: string }[];
      };
    };
  }>(connection, 'rollback-check');
  const { verdict, checks } = endpoint.rollbackCheck;
  const against = checks.filter((one) => one.verdict !== 'SAFE').map(({ message }) => message);
  return `${verdict}, asked just before it was done. ${against.join(' ')}`;
};

/** What an investigator asks after the trace, answered by the ready-made operations. */
export const answers = async (
  connection: Connection,
  folder: string,
): Promise<readonly Answer[]> => {
  const figures = JSON.parse(await readFile(`${folder}story-figures.json`, 'utf8')) as Figures;
  return [
    { title: 'Who else is affected?', text: await affected(connection, figures) },
    { title: 'What changed at the rollback?', text: await rollout(connection) },
    { title: 'The nearest case that went the other way', text: await nearest(connection) },
    { title: 'Run it again', text: await again(connection) },
    { title: 'What would the other version have said?', text: await cohort(connection) },
    { title: 'Could it have been known?', text: await check(connection) },
    { title: 'Prove it', text: await proven(connection) },
  ];
};
