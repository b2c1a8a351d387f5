import { connect } from '../../src/cli/connection.ts';
import { EXAMPLE } from '../../src/cli/demo.ts';
import { playHistory, registerVersions, storeModels } from '../../src/cli/demo-history.ts';
import { OUTCOMES_ROUTE, PREDICTIONS_ROUTE, sendFile } from '../../src/cli/ingest.ts';
import type { TestHindcast } from './hindcast.ts';

/** Loads the flights example as the demo does; `actAs` is told who acts. */
export const loadDemo = async (
  { url, artifacts }: TestHindcast,
  actAs: (name: string) => void = () => undefined,
): Promise<void> => {
  const connection = await connect({ url });
  await storeModels(artifacts, EXAMPLE);
  await registerVersions(connection, EXAMPLE);
  await playHistory(connection, EXAMPLE, actAs);
  await sendFile(connection, PREDICTIONS_ROUTE, `${EXAMPLE}predictions.ndjson.gz`, 'predictions');
  await sendFile(connection, OUTCOMES_ROUTE, `${EXAMPLE}outcomes.ndjson.gz`, 'outcomes');
};
