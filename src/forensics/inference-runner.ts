import { z } from 'zod';
import { ExactJsonError, parseExactJson, stringifyExactJson } from '../platform/exact-json.ts';
import { columnOf, type Element, type ModelInput, misfitOf, modelInput } from './model-inputs.ts';
import type {
  FeatureRecord,
  LoadedModel,
  ModelOutput,
  NotRunnable,
  RunnerIdentity,
} from './model-runner.ts';
import type { Precision } from './replay-rules.ts';

/** How long one request may take, in milliseconds, and how many are under way at once. */
const PATIENCE = 30_000;
const AT_ONCE = 4;

// Open Inference Protocol V2, inference_rest.md: metadata of the server, of a model, and the answer to an inference.
const tensor = z.object({
  name: z.string(),
  datatype: z.string(),
  shape: z.array(z.coerce.number()),
});
const serverMetadata = z.object({ name: z.string(), version: z.string() });
const modelMetadata = z.object({ inputs: z.array(tensor) });
const inference = z.object({ outputs: z.array(tensor.extend({ data: z.array(z.unknown()) })) });

/** The protocol's types by the names that inputs have here. */
const TYPES: Readonly<Record<string, string>> = {
  FP32: 'float32',
  FP64: 'float64',
  INT64: 'int64',
  BOOL: 'bool',
  BYTES: 'string',
};

const DATATYPES = new Map(Object.entries(TYPES).map(([datatype, type]) => [type, datatype]));

const PRECISIONS: Readonly<Record<string, Precision>> = {
  FP32: 'FP32',
  FP64: 'FP64',
  INT64: 'INTEGER',
  INT32: 'INTEGER',
};

const unavailable = (message: string): NotRunnable => ({ reason: 'RUNTIME_UNAVAILABLE', message });

/** What the server says to a request, checked; or why there is no such answer. */
const ask = async <Shape extends z.ZodType<object>>(
  url: string,
  shape: Shape,
  body?: string,
): Promise<z.infer<Shape> | NotRunnable> => {
  const init =
    body === undefined
      ? {}
      : { method: 'POST', body, headers: { 'content-type': 'application/json' } };
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(PATIENCE) });
    const text = await response.text();
    if (!response.ok) {
      return unavailable(`${url} answered ${response.status}: ${text.slice(0, 200)}`);
    }
    const parsed = shape.safeParse(parseExactJson(text));
    return parsed.success
      ? parsed.data
      : unavailable(`${url} answered something else than the protocol says.`);
  } catch (error) {
    if (error instanceof ExactJsonError) return unavailable(`${url} answered no JSON.`);
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    return unavailable(`${url} does not answer: ${reason}`);
  }
};

const isRefused = (answer: object): answer is NotRunnable => 'reason' in answer;

const jsonOf = (element: Element) =>
  typeof element === 'number' && !Number.isFinite(element) ? null : element;

/** The body for one record; JSON has no NaN and no infinities, and null is no number. */
const requestOf = (inputs: readonly ModelInput[], record: FeatureRecord): string | NotRunnable => {
  const columns = inputs.map((input) => ({ input, data: columnOf(input, [record]).map(jsonOf) }));
  const absent = columns.find(({ data }) => data.includes(null));
  if (absent !== undefined) {
    const message = `The feature ${absent.input.name} is absent or not finite, which the JSON of the protocol cannot say.`;
    return { reason: 'VALUE_ABSENT', message };
  }
  return stringifyExactJson({
    inputs: columns.map(({ input, data }) => ({
      name: input.name,
      shape: [1, ...input.sizes],
      datatype: DATATYPES.get(input.type) ?? '',
      data,
    })),
  });
};

/** A number of an FP32 output may come as its shortest text, which is another double. */
const readValue =
  (precision: Precision | null) =>
  (value: unknown): number | string => {
    if (typeof value !== 'number' && typeof value !== 'bigint') return String(value);
    return precision === 'FP32' ? Math.fround(Number(value)) : Number(value);
  };

const outputsOf = ({ outputs }: z.infer<typeof inference>): readonly ModelOutput[] =>
  outputs.map(({ name, datatype, data }) => {
    const precision = PRECISIONS[datatype] ?? null;
    const flat: unknown[] = data.flat(Number.POSITIVE_INFINITY);
    return { name, precision, values: flat.map(readValue(precision)) };
  });

/** One request a record, a few at once: in a batch the server might compute differently. */
const runEach = async (
  url: string,
  inputs: readonly ModelInput[],
  records: readonly FeatureRecord[],
): Promise<readonly (readonly ModelOutput[] | NotRunnable)[]> => {
  const answers = new Map<number, readonly ModelOutput[] | NotRunnable>();
  const waiting = records.entries();
  const work = async (): Promise<void> => {
    // The workers share one iterator, so each record is taken once.
    for (const [index, record] of waiting) {
      const misfits = inputs.map((input) => misfitOf(input, record.get(input.name)));
      const body = misfits.find((one) => one !== null) ?? requestOf(inputs, record);
      const answer = typeof body === 'string' ? await ask(`${url}/infer`, inference, body) : body;
      answers.set(index, isRefused(answer) ? answer : outputsOf(answer));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return records.map((_, index) => answers.get(index) ?? []);
};

/** A model that a server of the Open Inference Protocol V2 serves, or why it does not. */
export const loadServed = async (
  baseUrl: string,
  model: string,
  version: string,
): Promise<LoadedModel | NotRunnable> => {
  const base = baseUrl.replace(/\/+$/, '');
  const url = `${base}/v2/models/${encodeURIComponent(model)}/versions/${encodeURIComponent(version)}`;
  const [server, metadata] = await Promise.all([
    ask(`${base}/v2`, serverMetadata),
    ask(url, modelMetadata),
  ]);
  if (isRefused(server)) return server;
  if (isRefused(metadata)) return metadata;
  const identity: RunnerIdentity = { ...server, platform: null, threads: null };
  const inputs = metadata.inputs.map(({ name, datatype, shape }) =>
    modelInput(name, TYPES[datatype] ?? datatype, shape),
  );
  return { identity, run: (records) => runEach(url, inputs, records) };
};
