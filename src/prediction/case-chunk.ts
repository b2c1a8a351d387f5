import type { Session } from '../platform/database.ts';
import { LATEST_OUTCOME } from './prediction-filter.ts';
import { type GivenFeatures, type GivenRow, givenFeaturesOf } from './prediction-log.ts';
import { orderedRows, type Place, type Search } from './search-order.ts';

type Reader = Pick<Session, 'query'>;

/** A prediction as far as it takes to run it again and to compare the answers. */
export interface LoggedCase extends GivenFeatures {
  readonly modelVersionId: number;
  readonly score: number | null;
  readonly label: string | null;
  /** Exact JSON text; null when none was recorded. */
  readonly output: string | null;
  /** Label of the outcome that holds; null when there is none. */
  readonly outcomeLabel: string | null;
}

// Neither when values were written nor what no schema declares is given to a model.
const GIVEN = `l.request_id, l.occurred_at, l.endpoint_id, l.item, l.feature_schema_id, l.numbers, l.integers, l.texts,
  l.statuses, '{}'::bigint[] AS feature_observed_at, NULL AS undeclared`;

const CASE = `${GIVEN}, l.model_version_id, l.score, l.label, l.output,
  (SELECT o.label FROM (${LATEST_OUTCOME}) o) AS outcome_label`;

interface CaseRow extends GivenRow {
  readonly model_version_id: number;
  readonly score: number | null;
  readonly label: string | null;
  readonly output: string | null;
  readonly outcome_label: string | null;
}

const rowsAfter = <Row extends GivenRow>(
  reader: Reader,
  columns: string,
  search: Search,
  after: Place | null,
  limit: number,
): Promise<Row[]> => {
  const order = { field: 'OCCURRED_AT', direction: 'DESC' } as const;
  return reader.query<Row>(orderedRows(columns, search, order, false, after, limit));
};

/** Where a chunk ends. */
export const placeAfter = ({ occurredAt, ...rest }: GivenFeatures): Place => ({
  ...rest,
  instants: [occurredAt],
});

/** What models were given in a chunk of the predictions of a search, newest first, beyond a place. One statement. */
export const givenAfter = async (
  reader: Reader,
  search: Search,
  after: Place | null,
  limit: number,
): Promise<readonly GivenFeatures[]> =>
  (await rowsAfter<GivenRow>(reader, GIVEN, search, after, limit)).map(givenFeaturesOf);

/** A chunk of the predictions of a search, newest first, beyond a place. One statement. */
export const casesAfter = async (
  reader: Reader,
  search: Search,
  after: Place | null,
  limit: number,
): Promise<readonly LoggedCase[]> => {
  const rows = await rowsAfter<CaseRow>(reader, CASE, search, after, limit);
  return rows.map((row) => {
    const { requestId, occurredAt, endpointId, item, featureSchemaId, features } =
      givenFeaturesOf(row);
    // Written out, because spreading so many objects takes as long as running the model.
    return {
      requestId,
      occurredAt,
      endpointId,
      item,
      featureSchemaId,
      features,
      modelVersionId: row.model_version_id,
      score: row.score,
      label: row.label,
      output: row.output,
      outcomeLabel: row.outcome_label,
    };
  });
};
