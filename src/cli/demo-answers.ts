import { readFile } from 'node:fs/promises';
import { OPERATIONS_FOLDER } from '../server/operations.ts';
import type { Connection } from './connection.ts';

/** A part of the story that the API tells. */
interface Answer {
  readonly title: string;
  readonly text: string;
}

interface Figures {
  readonly window: { readonly from: string; readonly to: string };
}

/** Runs a ready-made operation with its variables; those given here take the place of those of the same name. */
const run = async <Data>(
  { ask }: Connection,
  name: string,
  variables: Record<string, unknown> = {},
): Promise<Data> => {
  const [query, own] = await Promise.all([
    readFile(`${OPERATIONS_FOLDER}${name}.graphql`, 'utf8'),
    readFile(`${OPERATIONS_FOLDER}${name}.variables.json`, 'utf8'),
  ]);
  return ask<Data>(query, { ...(JSON.parse(own) as Record<string, unknown>), ...variables });
};

const percent = (share: number | null): string =>
  share === null ? 'unknown' : `${(share * 100).toFixed(1)} %`;

const affected = async (connection: Connection, { window }: Figures): Promise<string> => {
  const { endpoint } = await run<{
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
  const { impact } = await run<{
    impact: { predictionCount: number; entities: { nodes: readonly unknown[] } };
  }>(connection, 'impact', { during: window });
  const described = endpoint.disagreements.nodes.map(
    ({ modelVersion, featureSchema, predictionCount, firstAt, lastAt }) =>
      `${modelVersion.displayName} answered ${predictionCount.toLocaleString('en')} times from features of ${featureSchema.name} ${featureSchema.semver}, from ${firstAt.slice(0, 16)} to ${lastAt.slice(0, 16)} UTC.`,
  );
  return `The log contradicts the registry once: ${described.join(' ')} A fault in the January data would have reached all ${impact.predictionCount.toLocaleString('en')} predictions of that time, too.`;
};

const again = async (connection: Connection): Promise<string> => {
  const { predictionLog } = await run<{
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
  const { replayCohort } = await run<{
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
  const { endpoint } = await run<{
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
    { title: 'Run it again', text: await again(connection) },
    { title: 'What would the other version have said?', text: await cohort(connection) },
    { title: 'Could it have been known?', text: await check(connection) },
  ];
};
