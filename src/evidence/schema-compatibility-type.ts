import { builder } from '../platform/builder.ts';

export const SeverityEnum = builder.enumType('Severity', {
  description: 'How much a finding or a change matters.',
  values: {
    INFO: { description: 'Worth knowing.' },
    WARNING: { description: 'Needs attention.' },
    ERROR: { description: 'Makes the evidence unreliable or the change unsafe.' },
  } as const,
});
