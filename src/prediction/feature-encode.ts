import { type ExactJsonObject, stringifyExactJson } from '../platform/exact-json.ts';
import {
  encodeField,
  type FeatureRow,
  type FieldPlan,
  isJsonObject,
} from './feature-field-encode.ts';
import { type FeatureIssue, issueOf, MAX_FEATURE_ISSUES } from './feature-issue.ts';
import type { EncodedFeatures } from './feature-layout.ts';

export interface EncodeOptions {
  /** What to do with features that the schema does not declare. */
  readonly undeclared: 'reject' | 'keep';
}

/** Encodes the features of one record, or reports everything wrong with them, up to 20 issues. */
export type FeatureEncoder = (
  features: unknown,
  options: EncodeOptions,
) => EncodedFeatures | FeatureIssue[];

export const compileEncoder = (plans: readonly FieldPlan[]): FeatureEncoder => {
  const declared = new Set(plans.map(({ field }) => field.name));
  return (features, options) => {
    if (!isJsonObject(features)) {
      const reason = 'which is not an object; write {"<feature name>": <value>, …}';
      return [issueOf('features', features, { code: 'WRONG_TYPE', reason })];
    }
    const row = emptyRow(plans.length);
    let sent = 0;
    for (const plan of plans) {
      const { name } = plan.field;
      const isAbsent = plan.isInherited && !Object.hasOwn(features, name);
      const value = isAbsent ? undefined : features[name];
      if (value !== undefined) sent += 1;
      encodeField(plan, value, row);
    }
    const hasUndeclared = Object.keys(features).length !== sent;
    const undeclared = hasUndeclared ? undeclaredOf(features, declared, options, row) : null;
    if (row.issues.length > 0) return row.issues;
    const { numbers, integers, texts, statuses, observedAt } = row;
    return { numbers, integers, texts, statuses, observedAt, undeclared };
  };
};

const emptyRow = (fieldCount: number): FeatureRow => ({
  fieldCount,
  issues: [],
  numbers: [],
  integers: [],
  texts: [],
  statuses: null,
  observedAt: [],
});

/** Exact JSON text of the features the schema does not declare, or null after reporting them. */
const undeclaredOf = (
  features: Readonly<Record<string, unknown>>,
  declared: ReadonlySet<string>,
  options: EncodeOptions,
  { issues }: FeatureRow,
): string | null => {
  const undeclared = Object.entries(features).filter(([name]) => !declared.has(name));
  if (options.undeclared === 'keep') {
    return stringifyExactJson(Object.fromEntries(undeclared) as ExactJsonObject);
  }
  for (const [name, value] of undeclared.slice(0, MAX_FEATURE_ISSUES - issues.length)) {
    issues.push(issueOf(`features.${name}`, value, UNDECLARED));
  }
  return null;
};

const UNDECLARED = {
  code: 'UNDECLARED_FEATURE',
  reason:
    'but the schema declares no such feature; leave it out, or register a schema that declares it',
} as const;
