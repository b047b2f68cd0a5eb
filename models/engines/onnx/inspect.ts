import { stat } from 'node:fs/promises';
import { InflessError, systemCode } from '../../base/errors.ts';
import { digestFile } from '../../base/files.ts';
import type { ModelManifest } from '../../manifest/manifest.ts';
import type { NamedTensors } from '../../manifest/tensor.ts';
import { findBatchAxes } from '../batch-axes/search.ts';
import { type EngineResources, threadRule } from '../engine.ts';
import { providerFor } from '../provider.ts';
import { declaredTensors } from './metadata.ts';
import { openForProbing } from './probe.ts';
import { createSession, runSession } from './session.ts';

/**
 * Reads what an ONNX file is: its declared tensors, and by trial which axes carry the batch.
 *
 * @param on what shall run the trial; default: the CPU, with as little memory as it takes
 *
 * @throws InflessError MODEL_NOT_FOUND, MODEL_CORRUPT, MODEL_UNSUPPORTED.
 */
export async function inspectOnnx(path: string, name: string, on?: EngineResources): Promise<ModelManifest> {
  const sizeBytes = await fileSize(path);
  const digest = await digestFile(path);
  const { graphEvidence } = await import('./counts/evidence.ts'); // only needed for inspection
  const { runtime, session } =
    on === undefined
      ? await openForProbing(path, sizeBytes)
      : await createSession(path, threadRule(on.cpuMillicores), on);
  try {
    const identity = { name, format: 'onnx', digest, sizeBytes } as const;
    const inputs = declaredTensors(path, session.inputMetadata);
    const outputs = declaredTensors(path, session.outputMetadata);
    const run = (feeds: NamedTensors): Promise<NamedTensors> =>
      runSession(runtime, session, name, feeds, on && providerFor(on));
    return await findBatchAxes(identity, { inputs, outputs }, run, graphEvidence(path));
  } finally {
    await session.release();
  }
}

async function fileSize(path: string): Promise<number> {
  const status = await stat(path).catch((error: unknown) => {
    const why = systemCode(error) === 'ENOENT' ? 'does not exist' : `cannot be read (${systemCode(error)})`;
    throw new InflessError('MODEL_NOT_FOUND', `Model file ${path} ${why}`, {
      remedy: 'Give the path of an .onnx file.',
      cause: error,
    });
  });
  if (status.isFile()) return status.size;
  throw new InflessError('MODEL_NOT_FOUND', `${path} is not a file`, {
    remedy: 'Give the path of an .onnx file.',
  });
}
