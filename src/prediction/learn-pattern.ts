import { type JsonMember, membersAt } from '../platform/json-places.ts';
import { copyNumber, copyText } from './copy-text.ts';
import type { FieldPlan } from './feature-field-encode.ts';
import { absentText, featureSlot } from './feature-slot.ts';
import { STATUS_BYTE } from './feature-status.ts';
import { CELL, type LinePattern, patternReading } from './line-pattern.ts';
import { memberSlots, outputTemplate, type Slot } from './member-slots.ts';
import { type Part, rowTemplate } from './row-template.ts';
import type { UnderstoodPrediction } from './understood-prediction.ts';

/** The pattern of a line; null where it has members that only the whole reading understands. */
export const patternFrom = (line: Buffer, understood: UnderstoodPrediction): LinePattern | null => {
  const { plans, references, samplingRate } = understood;
  const members = membersAt(line, line.indexOf('{'));
  const slots = memberSlots(members);
  const features = featureSlots(line, plans, members);
  const firstOfOutput = CELL.FIRST_FEATURE + plans.length;
  const output = members.find(({ key }) => key === 'output');
  const leaves: Slot[] = [];
  const outputParts =
    output === undefined ? ['\\N'] : outputTemplate(line, output, firstOfOutput, leaves);
  if (features === null) return null;
  const all = [...slots, ...features, ...leaves].sort((one, other) => one.start - other.start);
  const cells = firstOfOutput + leaves.length;
  const statuses = Buffer.from(
    plans.map(({ index }) => (isRead(features, index) ? STATUS_BYTE.PRESENT : STATUS_BYTE.MISSING)),
  );
  const reading = patternReading(plans.length, cells);
  statuses.copy(reading.statuses);
  reading.observedAt.fill(Number.NaN);
  const has = (cell: number, absent: string): Part =>
    slots.some((slot) => slot.cell === cell) ? cell : absent;
  const rate = copyNumber(samplingRate);
  return {
    steps: stepsOf(line, all),
    after: Buffer.from(line.subarray(all.at(-1)?.end)),
    references,
    samplingRate,
    statuses,
    hasStatuses: statuses.some((byte) => byte !== STATUS_BYTE.PRESENT),
    ...headsOf(understood, rate, has(CELL.ITEM, '0')),
    content: rowTemplate(contentParts(plans, features, outputParts, has)),
    reading,
  };
};

const isRead = (features: readonly Slot[], index: number): boolean =>
  features.some(({ cell }) => cell === CELL.FIRST_FEATURE + index);

const stepsOf = (line: Buffer, slots: readonly Slot[]): LinePattern['steps'] =>
  slots.map(({ start, read, cell }, index) => ({
    // A copy, or a pattern would hold the chunk that its line came in.
    before: Buffer.from(line.subarray(slots[index - 1]?.end ?? 0, start)),
    read,
    cell,
  }));

const headsOf = (
  { names, references, samplingRate }: UnderstoodPrediction,
  rate: string,
  item: Part,
): Pick<LinePattern, 'row' | 'text'> => {
  const { endpointId, modelVersionId, featureSchemaId } = references;
  const named = `\t${copyText(names.endpoint)}\t${names.modelVersion}\t${names.featureSchema}\t`;
  const numbered = `\t${modelVersionId}\t${featureSchemaId}\t`;
  const version = samplingRate === null ? 1 : 2;
  const { REQUEST_ID, OCCURRED_AT } = CELL;
  return {
    row: {
      head: rowTemplate([REQUEST_ID, '\t', OCCURRED_AT, `\t${endpointId}\t`, item, numbered]),
      rate: Buffer.from(`\t${rate}`),
    },
    text: {
      head: rowTemplate([
        `prediction/${version}\t`,
        REQUEST_ID,
        '\t',
        OCCURRED_AT,
        '\t',
        item,
        named,
      ]),
      rate: Buffer.from(samplingRate === null ? '' : `\t${rate}`),
    },
  };
};

const contentParts = (
  plans: readonly FieldPlan[],
  features: readonly Slot[],
  output: readonly Part[],
  has: (cell: number, absent: string) => Part,
): readonly Part[] => {
  const array = (column: FieldPlan['column']): readonly Part[] => {
    const values = plans
      .filter((plan) => plan.column === column)
      .flatMap((plan): readonly Part[] => [
        ',',
        isRead(features, plan.index) ? CELL.FIRST_FEATURE + plan.index : absentText(plan),
      ]);
    return ['\t{', ...values.slice(1), '}'];
  };
  return [
    has(CELL.ENTITY_KEY, '\\N'),
    '\t',
    has(CELL.TRACE_ID, '\\N'),
    ...array('numbers'),
    ...array('integers'),
    ...array('texts'),
    '\t',
    CELL.STATUSES,
    '\t',
    CELL.OBSERVED_AT,
    '\t\\N\t',
    has(CELL.SCORE, '\\N'),
    '\t',
    has(CELL.LABEL, '\\N'),
    '\t',
    ...output,
    '\t',
    has(CELL.LATENCY, '\\N'),
  ];
};

const featureSlots = (
  line: Buffer,
  plans: readonly FieldPlan[],
  members: readonly JsonMember[],
): readonly Slot[] | null => {
  const place = members.find(({ key }) => key === 'features');
  if (place === undefined) return null;
  const slots: Slot[] = [];
  for (const { key, start, end } of membersAt(line, place.start)) {
    const plan = plans.find(({ field }) => field.name === key);
    if (plan === undefined) return null;
    slots.push({ start, end, read: featureSlot(plan), cell: CELL.FIRST_FEATURE + plan.index });
  }
  return slots;
};
