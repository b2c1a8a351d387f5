/** Errors of numeric predictions, in the unit of the predicted quantity. */
export interface RegressionError {
  readonly count: number;
  readonly meanError: number;
  readonly meanAbsoluteError: number;
  readonly rootMeanSquareError: number;
}

/** Takes errors one at a time, so that none has to be kept. */
export const regressionErrors = () => {
  let [count, sum, absolute, squares] = [0, 0, 0, 0];
  return {
    /** Adds a pair of finite numbers. */
    add: (predicted: number, observed: number): void => {
      const error = predicted - observed;
      count += 1;
      sum += error;
      absolute += Math.abs(error);
      squares += error * error;
    },
    /** Null when there are no pairs. */
    result: (): RegressionError | null =>
      count === 0
        ? null
        : {
            count,
            meanError: sum / count,
            meanAbsoluteError: absolute / count,
            rootMeanSquareError: Math.sqrt(squares / count),
          },
  };
};
