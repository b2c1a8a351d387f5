import { GraphQLError, Kind, type ValueNode } from 'graphql';
import semver from 'semver';
import { builder } from './builder.ts';
import type { JsonValue } from './canonical-json.ts';
import { formatInstant, instantOf, parseInstant } from './instant.ts';

const refuse = (message: string): never => {
  throw new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
};

const excerpt = (value: unknown): string => {
  const text = typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
};

const textMatching =
  (name: string, pattern: RegExp, form: string) =>
  (value: unknown): string =>
    typeof value === 'string' && pattern.test(value)
      ? value
      : refuse(`${name} cannot represent ${excerpt(value)}: it must be ${form}.`);

builder.scalarType('DateTime', {
  description:
    'An instant: RFC 3339 with a UTC offset, to the microsecond, in the years 1685 to 2254. Returned in UTC, with 3 digits after the second when that is exact and 6 otherwise. Refused are leap seconds (`23:59:60`), `24:00:00` and digits beyond the microsecond that are not 0: they would be stored as another time. Record times come from the clock of the database, and never run backwards within a history.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
  serialize: (value) => formatInstant(typeof value === 'number' ? value : instantOf(value)),
  parseValue: (value) => {
    const instant =
      typeof value === 'string' ? parseInstant(value) : `${excerpt(value)} is not text`;
    return typeof instant === 'number'
      ? instant
      : refuse(`DateTime cannot represent it: ${instant}.`);
  },
});

const holdsBigint = (value: unknown): boolean => {
  if (typeof value === 'bigint') return true;
  if (typeof value !== 'object' || value === null) return false;
  return (Array.isArray(value) ? value : Object.values(value)).some(holdsBigint);
};

/** JSON as it leaves: integers beyond 2^53 become strings, since JSON readers round such numbers. */
const printable = (value: unknown): unknown => {
  if (!holdsBigint(value)) return value;
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map(printable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, printable(item)]));
};

const literal = (
  node: ValueNode,
  variables: Record<string, unknown> | null | undefined,
): unknown => {
  switch (node.kind) {
    case Kind.STRING:
    case Kind.ENUM:
    case Kind.BOOLEAN:
      return node.value;
    case Kind.INT: {
      const integer = Number(node.value);
      return Number.isSafeInteger(integer) ? integer : BigInt(node.value);
    }
    case Kind.FLOAT: {
      const number = Number(node.value);
      return Number.isFinite(number) ? number : refuse(`${node.value} is beyond a 64-bit float.`);
    }
    case Kind.NULL:
      return null;
    case Kind.LIST:
      return node.values.map((item) => literal(item, variables));
    case Kind.OBJECT:
      return Object.fromEntries(
        node.fields.map((field) => [field.name.value, literal(field.value, variables)]),
      );
    case Kind.VARIABLE:
      return variables?.[node.name.value];
  }
};

builder.scalarType('JSON', {
  description:
    'Any JSON value. Used only where the shape belongs to the caller; everything Hindcast understands is typed. Integers beyond 2^53 are returned as strings.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259',
  serialize: printable,
  parseValue: (value) => value as JsonValue,
  parseLiteral: (node, variables) => literal(node, variables) as JsonValue,
});

const digest = textMatching(
  'Digest',
  /^sha256:[0-9a-f]{64}$/,
  '"sha256:" followed by 64 lowercase hexadecimal characters',
);
builder.scalarType('Digest', {
  description: 'A content address: `sha256:` followed by 64 lowercase hexadecimal characters.',
  specifiedByURL: 'https://csrc.nist.gov/pubs/fips/180-4/upd1/final',
  serialize: (value) => value,
  parseValue: digest,
});

const gitObjectId = textMatching(
  'GitObjectID',
  /^([0-9a-f]{40}|[0-9a-f]{64})$/,
  'a full Git object name of 40 or 64 lowercase hexadecimal characters',
);
builder.scalarType('GitObjectID', {
  description: 'A Git object name: 40 (SHA-1) or 64 (SHA-256) lowercase hexadecimal characters.',
  specifiedByURL: 'https://git-scm.com/docs/hash-function-transition',
  serialize: (value) => value,
  parseValue: gitObjectId,
});

// The package trims and takes a leading "v"; a version that is part of an identity has one spelling.
export const isSemVer = (value: unknown): value is string =>
  typeof value === 'string' && /^\d[\w.+-]*$/.test(value) && semver.valid(value) !== null;

builder.scalarType('SemVer', {
  description: 'A Semantic Versioning 2.0.0 version without a leading `v`.',
  specifiedByURL: 'https://semver.org/spec/v2.0.0.html',
  serialize: (value) => value,
  parseValue: (value) =>
    isSemVer(value)
      ? value
      : refuse(`SemVer cannot represent ${excerpt(value)}: it must look like 1.2.3 or 1.2.3-rc.1.`),
});

builder.scalarType('SafeInt', {
  description:
    'An integer that a JavaScript number holds exactly (at most 2^53 - 1). Serialized as a JSON number. Used for counts and byte sizes.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259#section-6',
  serialize: (value) => {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : refuse(`${value} is beyond 2^53 - 1.`);
  },
  parseValue: (value) =>
    typeof value === 'number' && Number.isSafeInteger(value)
      ? value
      : refuse(
          `SafeInt cannot represent ${excerpt(value)}: it must be an integer of at most 2^53 - 1.`,
        ),
});

builder.scalarType('BigInt', {
  description:
    'An integer of any size. Always serialized as a JSON string, so a 64-bit feature value never loses digits; accepted as string or number.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259#section-7',
  serialize: String,
  parseValue: (value) => {
    if (typeof value === 'bigint') return value;
    if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
    if (typeof value === 'string' && /^-?\d{1,100}$/.test(value)) return BigInt(value);
    return refuse(
      `BigInt cannot represent ${excerpt(value)}: it must be an integer; write large ones as strings.`,
    );
  },
  parseLiteral: (node) =>
    node.kind === Kind.INT || (node.kind === Kind.STRING && /^-?\d{1,100}$/.test(node.value))
      ? BigInt(node.value)
      : refuse('BigInt must be an integer; write large ones as strings.'),
});

builder.scalarType('URL', {
  description: 'An absolute URL.',
  specifiedByURL: 'https://url.spec.whatwg.org/',
  serialize: (value) => value,
  parseValue: (value) =>
    typeof value === 'string' && URL.canParse(value)
      ? value
      : refuse(
          `URL cannot represent ${excerpt(value)}: it must be absolute, such as https://example.org/repository.`,
        ),
});
