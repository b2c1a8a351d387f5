import type { Serving } from './ingest.ts';

/** What a record holds that only who has `features:sensitive` may see. */
export const SECRETS = [
  'alice@example.org',
  'entity-of-alice',
  'whole-output',
  'hidden-extra',
  'wrong-size',
] as const;

/** The secrets that an answer tells. */
export const leaks = (answer: unknown): readonly string[] =>
  SECRETS.filter((secret) => JSON.stringify(answer).includes(secret));

/** Operations by what they look at. */
export type Ways = Readonly<Record<string, string>>;

/** Ways to what is sensitive of a request that was answered on one day. */
export interface SensitiveWays {
  readonly prediction: (selection: string) => string;
  /** Every way that is answered to whom may not see it, without it. */
  readonly redacted: Ways;
  /** Ways that are refused as a whole, since an answer would tell. */
  readonly refused: Ways;
}

export const waysTo = (
  { endpoint, version }: Pick<Serving, 'endpoint' | 'version'>,
  requestId: string,
  day: { readonly from: string; readonly to: string },
): SensitiveWays => {
  const REQUEST = `request: { endpoint: { name: "${endpoint.name}", environment: "${endpoint.environment}" }, requestId: "${requestId}" }`;
  const DURING = `{ from: "${day.from}", to: "${day.to}" }`;
  const WINDOW = `occurredAt: ${DURING}`;
  const prediction = (selection: string) =>
    `query Look { predictionLog(by: { ${REQUEST} }) { ${selection} } }`;
  const redacted: Ways = {
    'the entity key': prediction('entityKey'),
    'the output': prediction('output'),
    features: prediction(
      'features { name status text string elements ageSeconds baseline { isUnseen quantile } rarity }',
    ),
    'one feature': prediction('feature(name: "email") { text string status }'),
    'an undeclared feature': prediction('feature(name: "extra") { text string status }'),
    'unusual features': prediction('unusualFeatures(atMost: 1) { name text }'),
    'conflicting records': prediction('conflicts { record digest }'),
    digests: prediction('digest featuresDigest'),
    counterexamples: prediction(
      `counterexamples(during: ${DURING}) { nearest { differences { name own other } prediction { entityKey } } excludedFeatures { name } }`,
    ),
    replay: prediction(
      'replay { verdict reason message score { logged replayed } outputs { logged } }',
    ),
    'a trace': `query Look { trace(prediction: { ${REQUEST} }) { findings { message } gaps { subject reason message } prediction { entityKey output } features { text } } }`,
    'the events of a request': `query Look { request(by: { requestId: "${requestId}" }) { gaps { subject message } events { kind conflict { record } rejected { raw message } prediction { entityKey } } } }`,
    'refused records': 'query Look { rejectedRecords { nodes { raw message path requestId } } }',
    cohorts: `query Look { compareCohorts(base: { ${WINDOW} }, head: { ${WINDOW} }) { notes features { nodes { name isRedacted bins { category } base { presentCount } } } } }`,
  };
  const refused: Ways = {
    'who an entity is': `{ request(by: { entity: { key: "entity-of-alice", during: ${DURING} } }) { predictions { requestId } } }`,
    'a history of an entity': prediction(
      'featureHistory(name: "distance") { nodes { value { text } } }',
    ),
    'entities of a blast radius': `{ impact(of: { id: "${Buffer.from(`ModelVersion:${version.digest}`).toString('base64')}" }) { entities { nodes { key } } } }`,
    'a search by entity': `{ predictionLogs(filter: { ${WINDOW}, entityKeys: ["entity-of-alice"] }) { nodes { requestId } } }`,
    'a search by a sensitive value': `{ predictionLogs(filter: { ${WINDOW}, features: [{ name: "email", is: { string: { eq: "a" } } }] }) { nodes { requestId } } }`,
    'a dossier': `{ dossier(prediction: { ${REQUEST} }) { envelope } }`,
  };
  return { prediction, redacted, refused };
};
