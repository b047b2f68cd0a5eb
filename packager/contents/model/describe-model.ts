import { fork } from 'node:child_process';
import { once } from 'node:events';
import { InflessError } from '../../../models/base/errors.ts';
import { programFile } from '../../../models/base/package.ts';
import { engineFor, formatOfPath } from '../../../models/engines.ts';
import type { ModelManifest } from '../../../models/manifest.ts';
import { inspectOnce } from '../../../models/manifest-cache.ts';
import { fromErrorRecord } from '../../server/inference/messages.ts';
import type { DescribeAnswer } from './describe-process.ts';

/**
 * What a model is: its name, digest, inputs and outputs. A model that was never looked at is loaded and run to find
 * its batch axes; that happens in a process of its own, so that packing needs no memory for weights.
 *
 * @throws InflessError MODEL_NOT_FOUND, MODEL_CORRUPT, MODEL_UNSUPPORTED
 */
export async function describeModel(
  path: string,
  name: string,
  signal?: AbortSignal,
): Promise<ModelManifest> {
  const engine = engineFor(formatOfPath(path));
  return inspectOnce({ ...engine, inspect: () => describeInProcess(path, name, signal) }, path, name);
}

async function describeInProcess(
  path: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<ModelManifest> {
  const child = fork(programFile('packager/contents/model/describe-process'), [path, name], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    killSignal: 'SIGKILL', // in the middle of a run it hears no other
    ...(signal === undefined ? {} : { signal }),
  });
  let answer: DescribeAnswer | undefined;
  child.on('message', (message) => {
    answer = message as DescribeAnswer;
  });
  const [code, killedBy] = (await once(child, 'close')) as [number | null, string | null];
  if (answer !== undefined && 'manifest' in answer) return answer.manifest;
  if (answer !== undefined) throw fromErrorRecord(answer.error);
  throw new InflessError(
    'MODEL_UNSUPPORTED',
    `Model ${path} ends the process that opens it (${killedBy ?? code})`,
    {
      remedy: 'It may need more memory than there is; else export it with standard operators.',
    },
  );
}
