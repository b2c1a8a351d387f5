import { argumentError } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';
import { PredictionLogFilter } from '../prediction/prediction-filter-input.ts';
import { resolveFilter } from '../prediction/resolve-filter.ts';
import { searchPage } from '../prediction/search-page.ts';
import { searchedVersions } from '../prediction/searched-versions.ts';
import { findModelVersion, ModelVersionReferenceInput } from '../registry/model-version.ts';
import { type ReplaySummary, replaySummary } from './replay-summary.ts';
import { DecisionInput, ReplaySummaryRef } from './replay-summary-type.ts';
import { runnerArgument } from './replay-type.ts';

/** Most predictions that one request runs again. */
const MAX_PREDICTIONS = 5000;

interface CohortReplay {
  readonly summary: ReplaySummary;
  readonly isTruncated: boolean;
}

const CohortReplayRef = builder.objectRef<CohortReplay>('CohortReplay').implement({
  description: 'The predictions that a filter matches, run again.',
  fields: (t) => ({
    summary: t.field({
      type: ReplaySummaryRef,
      description: 'How the answers compare.',
      resolve: ({ summary }) => summary,
    }),
    isTruncated: t.exposeBoolean('isTruncated', {
      description: 'Whether more predictions match than were run; the newest were.',
    }),
  }),
});

builder.queryField('replayCohort', (t) =>
  t.field({
    type: CohortReplayRef,
    nullable: true,
    description: `What would another version have said for these cases? Runs the newest predictions that a filter matches, at most ${MAX_PREDICTIONS}. The filter must be bounded as in \`predictionLogs\`.`,
    complexity: ({ limit }) => ({ field: 200 + Math.ceil((limit ?? MAX_PREDICTIONS) / 2) }),
    args: {
      filter: t.arg({
        type: PredictionLogFilter,
        required: true,
        description: 'Which predictions.',
      }),
      with: t.arg({
        type: ModelVersionReferenceInput,
        description: 'Version to run them through; each through its own when omitted.',
      }),
      decision: t.arg({
        type: DecisionInput,
        description: 'How labels follow from scores, to see which ones flip.',
      }),
      acceptOtherMeanings: t.arg.boolean({
        required: true,
        defaultValue: false,
        description:
          'Run another version also on features that mean something else to it, as a bad rollback would.',
      }),
      runner: t.arg(runnerArgument),
      limit: t.arg.int({
        required: true,
        defaultValue: 1000,
        description: `Most predictions to run: 1 to ${MAX_PREDICTIONS}.`,
      }),
    },
    resolve: async (_, args, context) => {
      const { filter, with: reference, decision, limit, acceptOtherMeanings, runner } = args;
      if (limit < 1 || limit > MAX_PREDICTIONS) {
        throw argumentError({
          path: ['limit'],
          message: `${limit}; give 1 to ${MAX_PREDICTIONS}.`,
        });
      }
      const target = reference == null ? null : await findModelVersion(context.database, reference);
      if (reference != null && target === null) {
        throw argumentError({ path: ['with'], message: 'There is no such model version.' });
      }
      const condition = await resolveFilter(context, filter, { mustBeBounded: true });
      const versions = await searchedVersions(context.database, filter);
      const { edges, pageInfo } = await searchPage(
        context.database,
        { condition, versions },
        { field: 'OCCURRED_AT', direction: 'DESC' },
        { limit, isBackward: false, from: null },
      );
      const predictions = edges.map(({ node }) => node);
      const options = { acceptOtherMeanings, runner };
      return {
        summary: await replaySummary(context, target, predictions, decision ?? null, options),
        isTruncated: pageInfo.hasNextPage,
      };
    },
  }),
);
