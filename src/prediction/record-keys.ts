import type { ExactJson, ExactJsonObject } from '../platform/exact-json.ts';
import { isSemVer } from '../platform/scalars.ts';
import {
  checkedText,
  isJsonObject,
  memberOf,
  type RecordReading,
  report,
} from './record-members.ts';

/** How a record names a model version or a feature schema; `key` is the digest, or `name@semver`. */
export interface ContentReference {
  readonly by: 'digest' | 'release';
  readonly key: string;
}

const DIGEST = /^sha256:[0-9a-f]{64}$/;
const DIGEST_FORM = '"sha256:" and 64 lowercase hexadecimal characters';

/** The route of the endpoint, `environment/name`; an empty string after reporting what is wrong. */
export const readEndpoint = (reading: RecordReading): string => {
  const value = memberOf(reading.record, 'endpoint');
  if (!isJsonObject(value)) {
    const wrong = value === undefined ? 'but every record needs it' : 'which is not an object';
    report(reading, 'endpoint', value, `${wrong}; send {"name": …, "environment": …}`);
    return '';
  }
  const isWhole = refuseOthers(reading, 'endpoint', value, ['name', 'environment']);
  const name = requiredText(reading, 'endpoint', value, 'name');
  const environment = requiredText(reading, 'endpoint', value, 'environment');
  if (environment?.includes('/')) {
    const reason = 'which holds a slash; no environment does';
    report(reading, 'endpoint.environment', environment, reason);
    return '';
  }
  return isWhole && name !== null && environment !== null ? `${environment}/${name}` : '';
};

/** The version that answered; null after reporting what is wrong. */
export const readModelVersion = (reading: RecordReading): ContentReference | null => {
  const value = memberOf(reading.record, 'modelVersion');
  if (value !== undefined) return readReference(reading, 'modelVersion', value, 'model');
  const form = 'send its digest, or {"model": …, "semver": …}';
  report(reading, 'modelVersion', value, `but every prediction needs it; ${form}`);
  return null;
};

/** The schema that the features were built with; null when it is the version's own, or after reporting. */
export const readFeatureSchema = (reading: RecordReading): ContentReference | null => {
  const value = memberOf(reading.record, 'featureSchema') ?? null;
  return value === null ? null : readReference(reading, 'featureSchema', value, 'name');
};

const readReference = (
  reading: RecordReading,
  path: string,
  value: ExactJson,
  nameMember: 'model' | 'name',
): ContentReference | null => {
  if (typeof value === 'string') return digestReference(reading, path, value);
  if (!isJsonObject(value)) {
    const form = `{"${nameMember}": …, "semver": …}`;
    report(reading, path, value, `which names nothing; send a digest, or ${form}`);
    return null;
  }
  if (!refuseOthers(reading, path, value, ['digest', nameMember, 'semver'])) return null;
  const digest = memberOf(value, 'digest');
  if (digest === undefined) return releaseReference(reading, path, value, nameMember);
  if (Object.keys(value).length > 1) {
    const reason = `which names it twice; send the digest, or ${nameMember} and semver`;
    report(reading, path, value, reason);
    return null;
  }
  return digestReference(reading, `${path}.digest`, digest);
};

const digestReference = (
  reading: RecordReading,
  path: string,
  value: ExactJson,
): ContentReference | null => {
  if (typeof value === 'string' && DIGEST.test(value)) return { by: 'digest', key: value };
  report(reading, path, value, `which is not a digest; send ${DIGEST_FORM}`);
  return null;
};

const releaseReference = (
  reading: RecordReading,
  path: string,
  value: ExactJsonObject,
  nameMember: 'model' | 'name',
): ContentReference | null => {
  const name = requiredText(reading, path, value, nameMember);
  const semver = memberOf(value, 'semver');
  if (!isSemVer(semver)) {
    const wrong =
      semver === undefined ? 'but a release has one' : 'which is not a semantic version';
    report(reading, `${path}.semver`, semver, `${wrong}; send one such as "1.2.3"`);
    return null;
  }
  return name === null ? null : { by: 'release', key: `${name}@${semver}` };
};

const requiredText = (
  reading: RecordReading,
  path: string,
  object: ExactJsonObject,
  member: string,
): string | null => {
  const value = memberOf(object, member);
  if (value !== undefined) return checkedText(reading, `${path}.${member}`, value, 1);
  report(reading, `${path}.${member}`, value, 'but it is needed; send 1 to 1024 bytes of text');
  return null;
};

const refuseOthers = (
  reading: RecordReading,
  path: string,
  object: ExactJsonObject,
  members: readonly string[],
): boolean => {
  const other = Object.keys(object).find((name) => !members.includes(name));
  if (other === undefined) return true;
  const reason = `but it may only have ${members.join(', ')}`;
  report(reading, `${path}.${other}`, object[other], reason);
  return false;
};
