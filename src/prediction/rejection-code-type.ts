import { builder } from '../platform/builder.ts';

export const RejectionCodeEnum = builder.enumType('RejectionCode', {
  description: 'Why a record was refused.',
  values: {
    INVALID_JSON: { description: 'The record is not a JSON object.' },
    INVALID_ENCODING: { description: 'The record is not UTF-8.' },
    LINE_TOO_LONG: {
      description:
        'The line is longer than 1 MiB. Only its beginning is kept, so it cannot be resubmitted.',
    },
    TRUNCATED_BODY: {
      description: 'The compressed body broke off within the record; only its beginning arrived.',
    },
    CORRUPT_BODY: {
      description:
        'The compressed body could not be unpacked beyond the record; only its beginning arrived.',
    },
    COMPRESSION_LIMIT: {
      description:
        'The compressed body is more than 200 times as large unpacked, and was read no further than the beginning of the record.',
    },
    INVALID_FIELD: { description: 'A member is missing, unknown or not what it must be.' },
    NUMBER_NOT_REPRESENTABLE: { description: 'A number would lose digits where it is stored.' },
    TIME_OUT_OF_RANGE: {
      description: 'The time lies before 1970, or more than 24 hours ahead of the server.',
    },
    UNKNOWN_ENDPOINT: { description: 'No such endpoint. Released by itself when it is recorded.' },
    UNKNOWN_MODEL_VERSION: {
      description: 'No such model version. Released by itself when it is registered.',
    },
    UNKNOWN_FEATURE_SCHEMA: {
      description: 'No such feature schema. Released by itself when it is recorded.',
    },
    FEATURE_SCHEMA_VIOLATION: {
      description: 'A feature does not fit the schema that the record was built with.',
    },
    WEEK_ARCHIVED: {
      description:
        'The time lies in a week of the log that is archived. Released by itself when the week is restored.',
    },
  } as const,
});

export const UndeclaredFeaturesEnum = builder.enumType('UndeclaredFeatures', {
  description: 'What to do with features that the feature schema does not declare.',
  values: {
    REJECT: { value: 'reject', description: 'Refuse the record.' },
    KEEP: { value: 'keep', description: 'Keep them apart from the declared ones, as exact JSON.' },
  } as const,
});
