import { LRUCache } from 'lru-cache';
import type { InferenceSession, Tensor } from 'onnxruntime-common';
import type { FeatureReading } from '../prediction/feature-decode.ts';
import { misfitOf, tensorOf } from './model-inputs.ts';
import type { LoadedModel, ModelOutput, NotRunnable, RunnerIdentity } from './model-runner.ts';
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

const sessions = new LRUCache<string, Promise<InferenceSession>>({
  max: CAPACITY,
  dispose: (session) => {
    session.then((loaded) => loaded.release()).catch(() => undefined);
  },
});

const sessionOf = (ort: Runtime, digest: string, bytes: Uint8Array): Promise<InferenceSession> => {
  const existing = sessions.get(digest);
  if (existing !== undefined) return existing;
  const session = ort.InferenceSession.create(bytes, OPTIONS);
  sessions.set(digest, session);
  session.catch(() => sessions.delete(digest));
  return session;
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
): readonly (readonly ModelOutput[])[] =>
  Array.from({ length: count }, (_, record) =>
    session.outputNames.flatMap((name): ModelOutput[] => {
      const tensor = results[name] as Tensor | undefined;
      if (tensor === undefined || !('dims' in tensor)) return [];
      const width = tensor.size / count;
      const values = Array.from(
        { length: width },
        (_unused, index) => tensor.data[record * width + index] ?? '',
      );
      return [
        {
          name,
          precision: PRECISIONS[tensor.type] ?? null,
          values: values.map((value) => (typeof value === 'string' ? value : Number(value))),
        },
      ];
    }),
  );

const isTensor = (
  value: InferenceSession.ValueMetadata,
): value is InferenceSession.TensorValueMetadata => value.isTensor;

/** Runs the records that fit, all at once: without optimisation, a batch gives the bits of single runs. */
const runFitting = async (
  ort: Runtime,
  session: InferenceSession,
  records: readonly ReadonlyMap<string, FeatureReading>[],
): Promise<readonly (readonly ModelOutput[] | NotRunnable)[]> => {
  const inputs = session.inputMetadata.filter(isTensor);
  const misfits = records.map(
    (record) =>
      inputs.map((input) => misfitOf(input, record.get(input.name))).find((one) => one !== null) ??
      null,
  );
  const fitting = records.filter((_, index) => misfits[index] === null);
  const feeds = Object.fromEntries(
    inputs.map((input) => {
      const { type, data, dims } = tensorOf(input, fitting);
      return [input.name, new ort.Tensor(type as Tensor.Type, data as never, dims)];
    }),
  );
  const answers =
    fitting.length === 0 ? [] : outputsOf(session, await session.run(feeds), fitting.length);
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
    const session = await sessionOf(ort, digest, bytes);
    return { identity: identityOf(ort), run: (records) => runFitting(ort, session, records) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return {
      reason: 'UNSUPPORTED_FORMAT',
      message: `The file is no ONNX model that runs here: ${message}`,
    };
  }
};
