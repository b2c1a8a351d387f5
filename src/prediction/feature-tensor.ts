import type { Refusal } from './feature-issue.ts';

/**
 * The elements of a value with this shape, row-major: from nested arrays that match it exactly, or from a flat array of
 * the right length, which is returned as it is.
 */
export const flatten = (value: unknown, shape: readonly number[]): readonly unknown[] | Refusal => {
  if (!Array.isArray(value)) {
    const reason = `which is not an array; the feature has the shape [${shape.join(', ')}]`;
    return { code: 'WRONG_SHAPE', reason };
  }
  if (shape.length === 1 || !Array.isArray(value[0])) {
    const size = shape.reduce((product, dimension) => product * dimension, 1);
    return value.length === size ? value : wrongShape(shape, `has ${value.length} elements`);
  }
  const elements: unknown[] = [];
  return collect(value, shape, 0, elements) ? elements : wrongShape(shape, 'is nested differently');
};

const collect = (
  value: unknown,
  shape: readonly number[],
  level: number,
  elements: unknown[],
): boolean => {
  if (level === shape.length) {
    elements.push(value);
    return true;
  }
  return (
    Array.isArray(value) &&
    value.length === shape[level] &&
    value.every((part) => collect(part, shape, level + 1, elements))
  );
};

const wrongShape = (shape: readonly number[], actual: string): Refusal => {
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  const flat =
    shape.length === 1 ? `an array of ${size}` : `nested arrays, or a flat one of ${size}`;
  return {
    code: 'WRONG_SHAPE',
    reason: `which ${actual}; the shape [${shape.join(', ')}] takes ${flat}`,
  };
};

/** Index of the n-th element in a value of this shape, such as `[1][0]`. */
export const elementPath = (n: number, shape: readonly number[]): string => {
  let rest = n;
  let path = '';
  for (const dimension of shape.toReversed()) {
    path = `[${rest % dimension}]${path}`;
    rest = Math.floor(rest / dimension);
  }
  return path;
};
