import type { JsonValue } from '../platform/canonical-json.ts';
import { type ExactJson, stringifyExactJson } from '../platform/exact-json.ts';
import { parseInstant } from '../platform/instant.ts';
import type { Issues } from '../platform/issues.ts';
import { unstorableText } from '../platform/storable-text.ts';
import type { FeatureType } from './feature-field.ts';

/** What of a field says which defaults it may have. */
interface DefaultRule {
  readonly type: FeatureType;
  readonly shape: readonly number[];
  readonly categories?: readonly string[] | null | undefined;
}

/** Notes why a default is no value of its field. A default that passes can be given to the model as it is. */
export const checkDefault = (
  rule: DefaultRule,
  value: ExactJson,
  path: readonly (string | number)[],
  issues: Issues,
): void => {
  const elements = elementsOf(value, rule.shape);
  const reason =
    elements === null
      ? `is not of shape [${rule.shape.join(', ')}]; nest arrays like that, or give all elements in one`
      : elements.map((element) => whyNot(rule, element)).find((why) => why !== null);
  if (reason != null) issues.add(path, `The default ${excerpt(value)} ${reason}.`);
};

const excerpt = (value: ExactJson): string => {
  const text = stringifyExactJson(value);
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
};

/** The scalars of a value with this shape, nested or in one flat array; null when it has another shape. */
const elementsOf = (value: unknown, shape: readonly number[]): readonly unknown[] | null => {
  const [length, ...rest] = shape;
  if (length === undefined) return [value];
  if (!Array.isArray(value)) return null;
  if (rest.length > 0 && !Array.isArray(value[0])) {
    return value.length === shape.reduce((product, size) => product * size, 1) ? value : null;
  }
  return nestedElements(value, shape);
};

const nestedElements = (value: unknown, shape: readonly number[]): readonly unknown[] | null => {
  const [length, ...rest] = shape;
  if (length === undefined) return [value];
  if (!Array.isArray(value) || value.length !== length) return null;
  const parts = value.map((part: unknown) => nestedElements(part, rest));
  return parts.some((part) => part === null) ? null : parts.flatMap((part) => part ?? []);
};

const NON_FINITE = new Set<JsonValue>(['NaN', 'Infinity', '-Infinity', '-0']);

/** Why a scalar is no value of this type, to follow "The default 1"; null when it is one. */
const whyNot = ({ type, categories }: DefaultRule, value: unknown): string | null => {
  switch (type) {
    case 'BOOL':
      return typeof value === 'boolean' ? null : 'is not a BOOL; give true or false';
    case 'INT64':
      return whyNotInteger(value);
    case 'FP32':
    case 'FP64':
      return whyNotFloat(type, value);
    case 'STRING':
      return whyNotText(value, categories ?? null);
    case 'TIMESTAMP':
      return typeof value === 'string' && typeof parseInstant(value) === 'number'
        ? null
        : 'is not a TIMESTAMP; give RFC 3339 text with a UTC offset';
  }
};

const whyNotInteger = (value: unknown): string | null => {
  // Canonical JSON knows no integers beyond 2^53, so those come as text.
  if (typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0))
    return null;
  const isText = typeof value === 'string' && /^(0|-?[1-9]\d{0,18})$/.test(value);
  return isText && BigInt.asIntN(64, BigInt(value)) === BigInt(value)
    ? null
    : 'is not an INT64; give an integer from -2^63 to 2^63 - 1, as a string beyond 2^53';
};

const whyNotFloat = (type: 'FP32' | 'FP64', value: unknown): string | null => {
  if (typeof value === 'string' && NON_FINITE.has(value)) return null;
  if (typeof value !== 'number') {
    return `is not an ${type}; give a number, or "NaN", "Infinity", "-Infinity" or "-0"`;
  }
  // RFC 8785 writes it as 0, and the sign would be gone.
  if (Object.is(value, -0)) return 'loses its sign as a number; give "-0" as a string';
  const isInRange = type === 'FP64' || Number.isFinite(Math.fround(value));
  return isInRange ? null : 'is beyond the largest FP32; give a smaller number, or "Infinity"';
};

const whyNotText = (value: unknown, categories: readonly string[] | null): string | null => {
  if (typeof value !== 'string') return 'is not a STRING; put it in quotes';
  const reason = unstorableText(value);
  if (reason !== null) return reason;
  return categories === null || categories.includes(value)
    ? null
    : 'is not among the categories; declare it, or give one of them';
};
