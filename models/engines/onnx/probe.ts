import { realpath } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, dirname } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { loadError } from './errors.ts';
import { externalWeights } from './external-weights.ts';
import { loadRuntime, type OnnxRuntime } from './runtime.ts';
import { createSession, WEIGHTS_FOLDER } from './session.ts';
import { skeletonOf } from './skeleton.ts';
import { withTensorOutputs } from './tensor-outputs.ts';

/** From here on it shows whether weights are copied. */
const LARGE_BYTES = 32 << 20;

/**
 * Nothing of the weights is copied: they stay mapped from their file, and the system takes the pages back as
 * soon as it needs them. A few runs are slower for it, and rounded otherwise, which no proof minds.
 */
const LEAN: InferenceSession.SessionOptions = {
  interOpNumThreads: 1,
  executionProviders: ['cpu'],
  graphOptimizationLevel: 'disabled',
  enableCpuMemArena: false,
  enableMemPattern: false,
  logSeverityLevel: 4,
};

/**
 * Opens a model to find out what it is. A small one as production does; weights that are large, or in files
 * of their own, take no memory that the system could not have back at once.
 *
 * @throws InflessError MODEL_CORRUPT, MODEL_UNSUPPORTED
 */
export async function openForProbing(
  path: string,
  sizeBytes: number,
): Promise<{ runtime: OnnxRuntime; session: InferenceSession }> {
  const hasExternal = externalWeights(path).length > 0;
  const isSmall = sizeBytes < LARGE_BYTES && !hasExternal;
  if (isSmall || withTensorOutputs(path) !== undefined) {
    return createSession(path, { threads: availableParallelism(), spinning: false });
  }
  const runtime = await loadRuntime();
  try {
    const file = sizeBytes < LARGE_BYTES ? undefined : await besideItsWeights(path, hasExternal);
    return { runtime, session: await openLean(runtime, path, file) };
  } catch (error) {
    throw loadError(path, error);
  }
}

/**
 * The runtime takes weights from one folder only. Model hubs keep links to files that lie elsewhere, each
 * alone.
 */
async function besideItsWeights(path: string, hasExternal: boolean): Promise<string | undefined> {
  const file = await realpath(path);
  const isElsewhere = dirname(file) !== (await realpath(dirname(path)));
  return hasExternal && isElsewhere ? undefined : file;
}

/** @param file the model by its real path, where its weights can be told to lie in itself */
function openLean(runtime: OnnxRuntime, path: string, file: string | undefined): Promise<InferenceSession> {
  const session = { disable_prepacking: '1', intra_op: { allow_spinning: '0' } };
  const options = { ...LEAN, intraOpNumThreads: availableParallelism() };
  if (file === undefined) return runtime.InferenceSession.create(path, { ...options, extra: { session } });
  return runtime.InferenceSession.create(skeletonOf(file, basename(file)), {
    ...options,
    extra: { session: { ...session, [WEIGHTS_FOLDER]: dirname(file) } },
  });
}
