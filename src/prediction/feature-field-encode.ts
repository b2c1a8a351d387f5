import { type ExactJson, parseExactJson } from '../platform/exact-json.ts';
import { type FeatureIssue, issueOf, MAX_FEATURE_ISSUES, type Refusal } from './feature-issue.ts';
import type { FeatureSlots } from './feature-layout.ts';
import { type FeatureColumns, type ScalarEncoder, scalarEncoder } from './feature-scalar.ts';
import { STATUS_BYTE } from './feature-status.ts';
import { elementPath, flatten } from './feature-tensor.ts';
import { readWrapper } from './feature-wrapper.ts';

/** What is known about a field before any row arrives. */
export interface FieldPlan extends FeatureSlots {
  readonly index: number;
  readonly path: string;
  readonly encode: ScalarEncoder;
  /** The declared default; undefined when there is none. */
  readonly defaultValue: ExactJson | undefined;
  /** Every object inherits a property of this name, such as `constructor`. */
  readonly isInherited: boolean;
}

/** A row while it is encoded. */
export interface FeatureRow extends FeatureColumns {
  readonly fieldCount: number;
  readonly issues: FeatureIssue[];
  statuses: Uint8Array | null;
  observedAt: (bigint | null)[];
}

export const planOf = (slots: FeatureSlots, index: number): FieldPlan => ({
  ...slots,
  index,
  path: `features.${slots.field.name}`,
  encode: scalarEncoder(slots.field),
  defaultValue:
    slots.field.defaultValue === null ? undefined : parseExactJson(slots.field.defaultValue),
  isInherited: slots.field.name in Object.prototype,
});

/** Appends one field to the row, or reports why it cannot; undefined is an absent feature. */
export const encodeField = (plan: FieldPlan, value: unknown, row: FeatureRow): void => {
  if (isJsonObject(value)) {
    encodeWrapped(plan, value, row);
  } else {
    encodeBare(plan, value, row);
  }
};

export const isJsonObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const encodeWrapped = (
  plan: FieldPlan,
  wrapper: Readonly<Record<string, unknown>>,
  row: FeatureRow,
): void => {
  const sent = readWrapper(plan.path, wrapper);
  if (Array.isArray(sent)) {
    for (const issue of sent) report(row, issue);
    return;
  }
  if (sent.observedAt !== null) {
    if (row.observedAt.length === 0) row.observedAt = new Array(row.fieldCount).fill(null);
    row.observedAt[plan.index] = BigInt(sent.observedAt);
  }
  if (sent.status !== 'DEFAULTED') {
    encodeBare(plan, sent.value, row);
    return;
  }
  const value = sent.value === undefined ? plan.defaultValue : sent.value;
  if (value === undefined) {
    refuse(plan, value, row, NO_DEFAULT);
    return;
  }
  encodeBare(plan, value, row);
  setStatus(plan, row, STATUS_BYTE.DEFAULTED);
};

const NO_DEFAULT: Refusal = {
  code: 'MISSING_FEATURE',
  reason:
    'yet marked DEFAULTED, and the schema declares no default; send the value that the model received',
};

const encodeBare = (plan: FieldPlan, value: unknown, row: FeatureRow): void => {
  if (value === undefined || value === null) {
    encodeEmpty(plan, value, row);
  } else if (plan.field.shape.length > 0) {
    encodeTensor(plan, value, row);
  } else {
    const refusal = plan.encode(value, row);
    if (refusal !== null) refuse(plan, value, row, refusal);
  }
};

const encodeEmpty = (plan: FieldPlan, value: undefined | null, row: FeatureRow): void => {
  const mayBeMissing = value === undefined && plan.defaultValue !== undefined;
  if (!plan.field.isNullable && !mayBeMissing) {
    refuse(plan, value, row, value === null ? NOT_NULLABLE : REQUIRED);
    return;
  }
  const slots: (number | bigint | string | null)[] = row[plan.column];
  for (let i = 0; i < plan.length; i += 1) slots.push(null);
  setStatus(plan, row, value === null ? STATUS_BYTE.NULL : STATUS_BYTE.MISSING);
};

const REQUIRED: Refusal = {
  code: 'MISSING_FEATURE',
  reason: 'and the schema requires it; send it, or declare it nullable or with a default',
};

const NOT_NULLABLE: Refusal = {
  code: 'MISSING_FEATURE',
  reason: 'and the schema requires a value; send one, or declare the feature nullable',
};

const encodeTensor = (plan: FieldPlan, value: unknown, row: FeatureRow): void => {
  const { shape, isNullable } = plan.field;
  const flat = flatten(value, shape);
  if ('code' in flat) {
    refuse(plan, value, row, flat);
    return;
  }
  for (let i = 0; i < flat.length && row.issues.length < MAX_FEATURE_ISSUES; i += 1) {
    const element = flat[i];
    if (element === null && isNullable) {
      row[plan.column].push(null);
      continue;
    }
    const refusal = element === null ? NOT_NULLABLE : plan.encode(element, row);
    if (refusal === null) continue;
    const place = elementPath(i, flat === value ? [flat.length] : shape);
    report(row, issueOf(`${plan.path}${place}`, element, refusal));
  }
};

const setStatus = (plan: FieldPlan, row: FeatureRow, byte: number): void => {
  row.statuses ??= new Uint8Array(row.fieldCount);
  row.statuses[plan.index] = byte;
};

const refuse = (plan: FieldPlan, value: unknown, row: FeatureRow, refusal: Refusal): void => {
  if (row.issues.length < MAX_FEATURE_ISSUES) report(row, issueOf(plan.path, value, refusal));
};

const report = (row: FeatureRow, issue: FeatureIssue): void => {
  if (row.issues.length < MAX_FEATURE_ISSUES) row.issues.push(issue);
};
