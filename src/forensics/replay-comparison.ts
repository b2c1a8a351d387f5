import { type ExactJson, type ExactJsonObject, parseExactJson } from '../platform/exact-json.ts';
import type { ModelOutput } from './model-runner.ts';
import { compareNumbers, type NumberComparison, type Tolerance } from './replay-rules.ts';

/** One element of an output, logged and replayed. */
export interface ElementComparison extends NumberComparison {
  /** Name of the output. */
  readonly output: string;
  /** Position in it, row-major, from 0. */
  readonly index: number;
  readonly logged: number | string;
  readonly replayed: number | string;
}

const NON_FINITE: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
  '-0': -0,
};

/** Elements of a logged output, flattened: numbers and texts; null when it holds anything else. */
const elementsOf = (logged: ExactJson | undefined): readonly (number | string)[] | null => {
  if (typeof logged === 'number') return [logged];
  if (typeof logged === 'bigint') return [Number(logged)];
  if (typeof logged === 'string') return [logged];
  if (!Array.isArray(logged)) return null;
  const parts = (logged as readonly ExactJson[]).map(elementsOf);
  return parts.includes(null) ? null : parts.flatMap((part) => part ?? []);
};

const compareElement = (
  { name, precision, values }: ModelOutput,
  index: number,
  logged: number | string,
  tolerance: Tolerance,
): ElementComparison => {
  const replayed = values[index] ?? '';
  const place = { output: name, index, logged, replayed };
  const number = typeof logged === 'string' ? NON_FINITE[logged] : logged;
  if (precision === null || typeof replayed === 'string' || number === undefined) {
    const verdict = String(logged) === String(replayed) ? 'EXACT' : 'MISMATCH';
    return { ...place, verdict, ulps: null, absolute: null };
  }
  return { ...place, ...compareNumbers(number, replayed, precision, tolerance) };
};

/** The logged output as an object of named outputs; empty when it is none. */
export const loggedOutput = (text: string | null): ExactJsonObject => {
  const value = text === null ? null : parseExactJson(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as ExactJsonObject)
    : {};
};

/** Compares the outputs that the log and the model both have, element by element. */
export const compareOutputs = (
  logged: ExactJsonObject,
  outputs: readonly ModelOutput[],
  tolerance: Tolerance,
): readonly ElementComparison[] =>
  outputs.flatMap((output) => {
    const elements = Object.hasOwn(logged, output.name) ? elementsOf(logged[output.name]) : null;
    if (elements === null || elements.length !== output.values.length) return [];
    return elements.map((element, index) => compareElement(output, index, element, tolerance));
  });

/**
 * What a model now says in the place of a logged score, found as by `scoreElement`; null when no element has it, or it is a
 * text. Compares nothing, so that many are quickly done.
 */
export const replayedScore = (
  score: number,
  logged: ExactJsonObject,
  outputs: readonly ModelOutput[],
): number | null => {
  let found: number | string | undefined;
  for (const { name, values } of outputs) {
    const elements = Object.hasOwn(logged, name) ? elementsOf(logged[name]) : null;
    if (elements === null || elements.length !== values.length) continue;
    const place = elements.findLastIndex((element) => Object.is(element, score));
    if (place >= 0) found = values[place] ?? '';
  }
  return typeof found === 'number' ? found : null;
};

/**
 * The element that a logged score is: the last one with its very value, since classifiers put the positive class last. Null
 * when no element has it: then it is unknown how the score follows from the outputs.
 */
export const scoreElement = (
  score: number,
  elements: readonly ElementComparison[],
): ElementComparison | null =>
  elements.findLast(({ logged }) => typeof logged === 'number' && Object.is(logged, score)) ?? null;
