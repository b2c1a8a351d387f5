import { readFile } from 'node:fs/promises';
import { stripVTControlCharacters } from 'node:util';
import type { Connection } from './connection.ts';
import { answers } from './demo-answers.ts';
import { CommandError, EXIT } from './exit.ts';
import type { SentFile } from './ingest.ts';
import { paintFor, traceById } from './trace.ts';
import { type Paint, traceReport, wrapped } from './trace-report.ts';

interface Loaded {
  readonly predictions: SentFile;
  readonly outcomes: SentFile;
}

interface Deployment {
  readonly role: string;
  readonly trafficShare: number;
  readonly startedAt: string;
  readonly endReason: string | null;
  readonly reason: string;
  readonly actor: string;
  readonly modelVersion: { readonly displayName: string };
}

const TIMELINE = `query Timeline($by: EndpointReference!) {
  endpoint(by: $by) {
    deployments(last: 100) {
      nodes { role trafficShare startedAt endReason reason actor modelVersion { displayName } }
    }
  }
}`;

const FIND = `query Find($requestId: String!) {
  request(by: { requestId: $requestId }) { predictions { id } }
}`;

const ENDPOINT = { name: 'flight-delay', environment: 'production' };

const write = (text: string): void => {
  process.stdout.write(text);
};

const heading = (text: string, paint: Paint): string => {
  const rule = '─'.repeat(Math.max(0, 96 - stripVTControlCharacters(text).length));
  return `\n${paint('bold', `── ${text} `)}${paint('dim', rule)}\n\n`;
};

/** Tells what the example is about, from what the API answers. */
export const tellStory = async (
  connection: Connection,
  folder: string,
  loaded: Loaded,
): Promise<void> => {
  const paint = paintFor(process.stdout);
  write(heading('The model', paint));
  write(
    paragraph(
      'flight-delay predicts whether a US flight arrives more than 15 minutes late. The flights are those of 2001, the ' +
        'models are real, the predictions are their real answers, and the outcomes are the real delays.',
    ),
  );
  write(
    `\n  ${count(loaded.predictions, 'predictions')}\n  ${count(loaded.outcomes, 'outcomes')}\n`,
  );
  write(heading(`What served ${ENDPOINT.environment}/${ENDPOINT.name}`, paint));
  write(await timeline(connection, paint));
  write(heading('Three weeks later, somebody asks about one prediction', paint));
  write(await highlighted(connection, folder, paint));
  for (const { title, text } of await answers(connection, folder)) {
    write(heading(title, paint));
    write(paragraph(text));
  }
  write(heading('Ask next', paint));
  write(
    paragraph(
      'Every question is one GraphQL operation in operations/, and a tab in GraphiQL. In the terminal: hindcast trace REQUEST_ID, hindcast dossier REQUEST_ID, hindcast verify.',
    ),
  );
};

const paragraph = (text: string): string => `  ${wrapped(text, 2)}\n`;

const count = ({ summary }: SentFile, what: string): string => {
  const number = (name: string) => (summary[name] ?? 0).toLocaleString('en');
  const fresh = `${number('received')} ${what}: ${number('stored')} stored`;
  return (summary.duplicates ?? 0) === 0
    ? fresh
    : `${fresh}, ${number('duplicates')} known already`;
};

const timeline = async ({ ask }: Connection, paint: Paint): Promise<string> => {
  const { endpoint } = await ask<{ endpoint: { deployments: { nodes: readonly Deployment[] } } }>(
    TIMELINE,
    { by: { route: ENDPOINT } },
  );
  const oldestFirst = [...endpoint.deployments.nodes].reverse();
  return oldestFirst
    .map(({ startedAt, modelVersion, role, trafficShare, reason, actor }, index) => {
      const replaced = oldestFirst[index - 1];
      const isRollback = replaced?.endReason === 'ROLLED_BACK';
      const when = startedAt.slice(0, 16).replace('T', ' ');
      const what = `${when}  ${modelVersion.displayName}  ${role.padEnd(8)}${Math.round(trafficShare * 100)} %`;
      const why =
        reason === '' ? '' : `\n                    ${wrapped(`${reason} (${actor})`, 20)}`;
      return `  ${isRollback ? paint(['bold', 'red'], what) : what}${why}\n`;
    })
    .join('');
};

const highlighted = async (
  connection: Connection,
  folder: string,
  paint: Paint,
): Promise<string> => {
  const figures = JSON.parse(await readFile(`${folder}story-figures.json`, 'utf8')) as {
    highlight: { requestId: string };
  };
  const { requestId } = figures.highlight;
  const { request } = await connection.ask<{
    request: { predictions: readonly { id: string }[] };
  }>(FIND, { requestId });
  const [prediction] = request.predictions;
  const trace = prediction === undefined ? null : await traceById(connection, prediction.id);
  if (trace === null) {
    throw new CommandError(`The example's prediction ${requestId} was not loaded.`, EXIT.notFound);
  }
  return traceReport(trace, paint);
};
