import { parseArgs } from 'node:util';

export type Engine = 'postgresql' | 'pglite';

export interface Options {
  /** PostgreSQL server on which the databases are made. */
  readonly url: string;
  /** The only engine to measure; null for both. */
  readonly engine: Engine | null;
  /** All flights, as `examples/flights/build.py --full` writes them; the sample of the project without. */
  readonly flights: string | undefined;
  /** How often each thing is measured. */
  readonly rounds: number;
  /** Seconds of each load. */
  readonly seconds: number;
  readonly appendRows: number;
  /** Rows of a stream whose memory is watched. */
  readonly memoryRows: number;
  /** Rows of the large log. */
  readonly largeRows: number;
  /** Names of the sections to run; all when empty. */
  readonly only: readonly string[];
  /** Where profiles of the servers go; null for none. */
  readonly profile: string | null;
}

const HELP = `npm run bench -- [options]
  --engine <engine>      postgresql or pglite (both)
  --flights <file>       all flights (examples/flights/build.py --full <file>); the sample, repeated, without
  --rounds <n>           repetitions of each (5)
  --seconds <n>          length of each load (5)
  --append-rows <n>      rows of an append (200000)
  --memory-rows <n>      rows of a stream whose memory is watched (3000000)
  --large-rows <n>       rows of the large log (10000000)
  --only <section,…>     appends, memory, traces, large, replays, starts
  --profile <folder>     write a V8 CPU profile of each server of Hindcast, in a folder for each section; where
                         their time went, and the lower rates, go to bench/profiles.md
PostgreSQL is the server that DATABASE_URL names; databases are created there and dropped again.
Results are printed, and written to bench/results.md.
`;

const engineOf = (text: string | undefined): Engine | null => {
  if (text === undefined || text === 'postgresql' || text === 'pglite') return text ?? null;
  throw new Error(`--engine is ${text}; it takes postgresql or pglite.`);
};

/** Reads the command line; ends the process with help when it is not understood. */
export const readOptions = (): Options => {
  try {
    const { values } = parseArgs({
      options: {
        engine: { type: 'string' },
        flights: { type: 'string' },
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '5' },
        'append-rows': { type: 'string', default: '200000' },
        'memory-rows': { type: 'string', default: '3000000' },
        'large-rows': { type: 'string', default: '10000000' },
        only: { type: 'string', default: '' },
        profile: { type: 'string' },
      },
    });
    const url = process.env.DATABASE_URL ?? '';
    const engine = engineOf(values.engine);
    if (engine !== 'pglite' && url === '') throw new Error('DATABASE_URL is not set.');
    return {
      url,
      engine,
      flights: values.flights,
      rounds: Number(values.rounds),
      seconds: Number(values.seconds),
      appendRows: Number(values['append-rows']),
      memoryRows: Number(values['memory-rows']),
      largeRows: Number(values['large-rows']),
      only: values.only.split(',').filter((name) => name !== ''),
      profile: values.profile ?? null,
    };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${HELP}`);
    process.exit(2);
  }
};
