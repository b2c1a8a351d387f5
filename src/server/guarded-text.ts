import { type GraphQLOutputType, isNonNullType, locatedError } from 'graphql';
import type { Path, Place, Run } from './field-finder.ts';
import { isPromise, type Text } from './promised-text.ts';

/** Writes a value as JSON; throws, or rejects, where a null would have to be written that may not be. */
export type Write = (run: Run, value: unknown, path: Path) => Text;

/** The same of a field, by its object. */
export type WriteField = (run: Run, source: unknown, prev: Path | undefined) => Text;

const NOWHERE: Path = { prev: undefined, key: '', typename: undefined };

const keysOf = (path: Path | undefined): (string | number)[] =>
  path === undefined ? [] : [...keysOf(path.prev), path.key];

/** Notes an error and writes null where that may be; lets it rise to the next place where it may otherwise. */
export const failing =
  ({ nodes }: Place, type: GraphQLOutputType) =>
  (run: Run, error: unknown, path: Path): string => {
    const located = locatedError(error, nodes, keysOf(path));
    if (isNonNullType(type)) throw located;
    run.errors.push(located);
    return 'null';
  };

/**
 * Writes what `find` gives, which may have to be waited for; `fail` says what is written when that goes wrong. Of a leaf
 * only an error needs its path.
 */
export const guarded =
  (
    find: (run: Run, source: unknown, path: Path) => unknown,
    write: Write,
    fail: (run: Run, error: unknown, path: Path) => string,
    needsPath: boolean,
  ) =>
  (
    run: Run,
    source: unknown,
    prev: Path | undefined,
    key: string | number,
    typename?: string,
  ): Text => {
    const path = needsPath ? { prev, key, typename } : NOWHERE;
    const failed = (error: unknown) => fail(run, error, needsPath ? path : { prev, key, typename });
    try {
      const value = find(run, source, path);
      const text = isPromise(value)
        ? Promise.resolve(value).then((one) => write(run, one, path))
        : write(run, value, path);
      return typeof text === 'string' ? text : text.catch(failed);
    } catch (error) {
      return failed(error);
    }
  };
