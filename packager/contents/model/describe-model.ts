import { engineOf } from '../../../models/engines/index.ts';
import type { ModelManifest } from '../../../models/manifest/manifest.ts';
import { inspectOnce } from '../../../models/resolve/manifest-cache.ts';
import { askOwnProcess } from '../own-process.ts';

const PROCESS = 'packager/contents/model/describe-process';

/**
 * What a model is: its name, digest, inputs and outputs. A model that was never looked at is run to find its
 * batch axes; that happens in a process of its own, which gives back what the runtime takes.
 *
 * @throws InflessError MODEL_NOT_FOUND, MODEL_CORRUPT, MODEL_UNSUPPORTED
 */
export async function describeModel(
  path: string,
  name: string,
  signal?: AbortSignal,
): Promise<ModelManifest> {
  const engine = engineOf(path);
  const inspect = () => askOwnProcess<ModelManifest>(PROCESS, [path, name], signal);
  return inspectOnce({ ...engine, inspect }, path, name);
}
