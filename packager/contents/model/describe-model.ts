import { engineOf } from '../../../models/engines/index.ts';
import type { RequestLike } from '../../../models/manifest/example.ts';
import type { ModelManifest } from '../../../models/manifest/manifest.ts';
import { inspectOnce } from '../../../models/resolve/manifest-cache.ts';
import { askOwnProcess } from '../own-process.ts';

/** What the process is asked beside the path and the name of the model. */
export interface DescribeQuestion {
  readonly shapes?: RequestLike['shapes'];
  readonly sample?: string | undefined;
  readonly batchAxes?: RequestLike['batchAxes'];
}

const PROCESS = 'packager/contents/model/describe-process';

/**
 * What a model is: its name, digest, inputs and outputs. A model that was never looked at is run to find its
 * batch axes; that happens in a process of its own, which gives back what the runtime takes.
 *
 * @param like what requests look like, where the user says it
 * @throws InflessError MODEL_NOT_FOUND, MODEL_CORRUPT, MODEL_UNSUPPORTED; INVALID_INPUT for a sample,
 * shapes or a batch axis that the model does not take
 */
export async function describeModel(
  path: string,
  name: string,
  like: RequestLike = {},
  signal?: AbortSignal,
): Promise<ModelManifest> {
  const engine = engineOf(path);
  const inspect = () =>
    askOwnProcess<ModelManifest>(PROCESS, [path, name, JSON.stringify(questionOf(like))], signal);
  return inspectOnce({ ...engine, inspect }, path, name, undefined, like);
}

/** A sample that is a file crosses to the process by its path. */
function questionOf({ shapes, sample, batchAxes }: RequestLike): DescribeQuestion {
  return { shapes, sample: sample?.path, batchAxes };
}
