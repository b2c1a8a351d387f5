import { builder } from '../platform/builder.ts';

export const FeatureTypeEnum = builder.enumType('FeatureType', {
  description: 'Type of a feature value.',
  values: {
    BOOL: { description: 'True or false.' },
    INT64: { description: '64-bit signed integer.' },
    FP32: { description: 'IEEE 754 single precision; NaN, infinities and negative zero included.' },
    FP64: { description: 'IEEE 754 double precision; NaN, infinities and negative zero included.' },
    STRING: { description: 'Unicode text, free or from `categories`.' },
    TIMESTAMP: { description: 'Instant, microsecond precision.' },
  } as const,
});
