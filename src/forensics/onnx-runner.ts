import { LRUCache } from 'lru-cache';
import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { likeSingleRuns, type RunRecords } from './checked-batches.ts';
import { type ModelInput, misfitOf, modelInput, tensorOf } from './model-inputs.ts';
import type {
  FeatureRecord,
  LoadedModel,
  ModelOutput,
  NotRunnable,
  RunnerIdentity,
} from './model-runner.ts';
import type { Precision } from './replay-rules.ts';

/** Models kept in memory at once. */
const CAPACITY = 8;

/** The same bits on every build: one thread, nothing fused or reordered. */
const OPTIONS: InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  graphOptimizationLevel: 'disabled',
  executionMode: 'sequential',
};

type Runtime = typeof import('onnxruntime-node');

let loading: Promise<Runtime | null> | undefined;

/** The package is optional; null when it is not installed, or not for this platform. */
const runtime = (): Promise<Runtime | null> => {
  loading ??= import('onnxruntime-node').catch(() => null);
  return loading;
};

const UNAVAILABLE: NotRunnable = {
  reason: 'RUNTIME_UNAVAILABLE',
  message:
    'onnxruntime-node is not installed here, or not for this platform; `npm install onnxruntime-node` beside Hindcast.',
};

const PRECISIONS: Readonly<Record<string, Precision>> = {
  float32: 'FP32',
  float64: 'FP64',
  int64: 'INTEGER',
  int32: 'INTEGER',
};

/** A model in memory. */
interface Model {
  readonly session: InferenceSession;
  readonly inputs: readonly ModelInput[];
  readonly run: RunRecords;
}

const models = new LRUCache<string, Promise<Model>>({
  max: CAPACITY,
  dispose: (model) => {
    model.then(({ session }) => session.release()).catch(() => undefined);
  },
});

const isTensor = (
  value: InferenceSession.ValueMetadata,
): value is InferenceSession.TensorValueMetadata => value.isTensor;

const loadModel = async (ort: Runtime, bytes: Uint8Array): Promise<Model> => {
  const session = await ort.InferenceSession.create(bytes, OPTIONS);
  const inputs = session.inputMetadata
    .filter(isTensor)
    .map(({ name, type, shape }) => modelInput(name, type, shape));
  const runAtOnce: RunRecords = async (records) => {
    const feeds = Object.fromEntries(
      inputs.map((input) => {
        const { type, data, dims } = tensorOf(input, records);
        return [input.name, new ort.Tensor(type as Tensor.Type, data as never, dims)];
      }),
    );
    return outputsOf(session, await session.run(feeds), records.length);
  };
  return { session, inputs, run: likeSingleRuns(runAtOnce) };
};

const modelOf = (ort: Runtime, digest: string, bytes: Uint8Array): Promise<Model> => {
  const existing = models.get(digest);
  if (existing !== undefined) return existing;
  const model = loadModel(ort, bytes);
  models.set(digest, model);
  model.catch(() => models.delete(digest));
  return model;
};

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64' };

const identityOf = ({ env }: Runtime): RunnerIdentity => ({
  name: 'onnxruntime-node',
  version: env.versions.node ?? env.versions.common,
  platform: `${process.platform}/${ARCHITECTURES[process.arch] ?? process.arch}`,
  threads: 1,
});

const outputsOf = (
  session: InferenceSession,
  results: InferenceSession.OnnxValueMapType,
  count: number,
): readonly (readonly ModelOutput[])[] => {
  const tensors = session.outputNames.flatMap((name) => {
    const tensor = results[name] as Tensor | undefined;
    if (tensor === undefined || !('dims' in tensor)) return [];
    const { data, type, size } = tensor;
    return [{ name, precision: PRECISIONS[type] ?? null, data, width: size / count }];
  });
  return Array.from({ length: count }, (_, record) =>
    tensors.map(({ name, precision, data, width }): ModelOutput => {
      const values: (number | string)[] = [];
      for (let at = record * width; at < (record + 1) * width; at += 1) {
        const value = data[at] ?? '';
        values.push(typeof value === 'string' ? value : Number(value));
      }
      return { name, precision, values };
    }),
  );
};

/** Runs the records that fit. */
const runFitting = async (
  { inputs, run }: Model,
  records: readonly FeatureRecord[],
): Promise<readonly (readonly ModelOutput[] | NotRunnable)[]> => {
  const misfitIn = (record: FeatureRecord): NotRunnable | null => {
    for (const input of inputs) {
      const misfit = misfitOf(input, record.get(input.name));
      if (misfit !== null) return misfit;
    }
    return null;
  };
  const misfits = records.map(misfitIn);
  const fitting = records.filter((_, index) => misfits[index] === null);
  const answers = fitting.length === 0 ? [] : await run(fitting);
  let next = 0;
  return misfits.map((misfit) => {
    if (misfit !== null) return misfit;
    next += 1;
    return answers[next - 1] ?? [];
  });
};

/** Loads an ONNX model, or says why it cannot be. */
export const loadOnnx = async (
  digest: string,
  bytes: Uint8Array,
): Promise<LoadedModel | NotRunnable> => {
  const ort = await runtime();
  if (ort === null) return UNAVAILABLE;
  try {
    const model = await modelOf(ort, digest, bytes);
    return { identity: identityOf(ort), run: (records) => runFitting(model, records) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return {
      reason: 'UNSUPPORTED_FORMAT',
      message: `The file is no ONNX model that runs here: ${message}`,
    };
  }
};
