import type { FeatureFieldDefinition } from '../evidence/feature-field.ts';
import type { FieldChange } from '../evidence/schema-compatibility.ts';

/** One change of a feature in words, such as `distance (unit "mi" → "km")`. */
export const changeText = ({ kind, name, before, after, aspects }: FieldChange): string => {
  if (kind !== 'CHANGED') return `${name} (${kind.toLowerCase()})`;
  const steps = stepDifference(before, after);
  return `${name} (${[...aspects.filter((aspect) => aspect !== 'transformations'), ...steps].join('; ')})`;
};

/** `unit "mi" → "km"` for parameters, function and version by name otherwise. */
const stepDifference = (
  before: FeatureFieldDefinition | null,
  after: FeatureFieldDefinition | null,
): readonly string[] => {
  const olds = before?.transformations ?? [];
  const news = after?.transformations ?? [];
  if (olds.length !== news.length) return [`${olds.length} → ${news.length} transformations`];
  return olds.flatMap((old, index) => {
    const step = news[index];
    if (step === undefined) return [];
    const oldName = `${old.function} ${old.version}`;
    const newName = `${step.function} ${step.version}`;
    return [
      ...(oldName === newName ? [] : [`${oldName} → ${newName}`]),
      ...parameterDifference(old.parameters, step.parameters),
      ...(old.inputs.join() === step.inputs.join()
        ? []
        : [`inputs ${old.inputs.join(', ')} → ${step.inputs.join(', ')}`]),
    ];
  });
};

const parameterDifference = (before: string, after: string): readonly string[] => {
  if (before === after) return [];
  const olds = membersOf(before);
  const news = membersOf(after);
  const names = [...new Set([...olds.keys(), ...news.keys()])].sort();
  return names
    .filter((name) => olds.get(name) !== news.get(name))
    .map((name) => `${name} ${olds.get(name) ?? 'absent'} → ${news.get(name) ?? 'absent'}`);
};

const membersOf = (json: string): ReadonlyMap<string, string> => {
  const value: unknown = JSON.parse(json);
  const members =
    typeof value === 'object' && value !== null ? Object.entries(value) : [['', value]];
  return new Map(members.map(([name, member]) => [String(name), JSON.stringify(member)]));
};
