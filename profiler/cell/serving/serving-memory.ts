import { generateInputs } from '../../../models/manifest/inputs.ts';
import type { ModelFile } from '../../../models/manifest/manifest.ts';
import { DEFAULT_PROTOCOL } from '../../../models/protocols/index.ts';
import type { Cell } from '../../../profiles/table.ts';
import { ServingProcess } from './serving-process.ts';

/**
 * Clients: as many as fill a batch while the one before runs. More would fill the queue, which a process
 * bounds by what its limit leaves.
 */
const BATCHES_OF_CLIENTS = 2;
/** Requests of each client, all at the same time: memory is still growing in the first. */
const ROUNDS = 4;

export interface ServingSubject {
  readonly model: ModelFile;
  readonly cpuMillicores: number;
  /** When to stop asking; what was seen until then counts. */
  readonly budgetMs: number;
}

/**
 * What a serving process takes of memory with full batches of one-row requests in JSON: the model, its
 * largest batch, HTTP, bodies that are received while others run, tensors and answers. Memory of the page
 * cache does not count beyond what is mapped: a limit makes the kernel drop it, which kills nobody.
 *
 * @returns undefined where the system does not tell
 * @throws InflessError INFERENCE_FAILED where the process ends or does not answer
 */
export async function servingMemory(
  { model, cpuMillicores, budgetMs }: ServingSubject,
  batch: number,
): Promise<Cell['serving']> {
  const message = DEFAULT_PROTOCOL.request(generateInputs(model.manifest, { batch: 1 }), model.manifest);
  const clients = BATCHES_OF_CLIENTS * batch;
  const serving = await ServingProcess.start({ model, batch, cpuMillicores, queueLimit: clients });
  try {
    const ready = await serving.memory();
    if (ready === undefined) return undefined;
    const endMs = performance.now() + budgetMs;
    for (let round = 0; round < ROUNDS; round += 1) {
      await Promise.all(Array.from({ length: clients }, () => serving.predict(message)));
      if (performance.now() >= endMs) break;
    }
    const after = await serving.memory();
    if (after === undefined) return undefined;
    return {
      peakMemoryBytes: after.peakBytes,
      readyMemoryBytes: ready.residentBytes,
      requestBytes: message.body.byteLength,
    };
  } finally {
    await serving.kill();
  }
}
