import type { V1Pod } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { type Clock, pause } from '../../../models/base/clock.ts';
import { messageOf } from '../../../models/base/errors.ts';
import type { ResourceClient } from '../../kubernetes/resource-client.ts';
import { backoffMs } from '../../kubernetes/retry.ts';

export interface RemovalParts {
  readonly pods: ResourceClient<V1Pod>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a node may take beyond the grace, to report the end of a pod. */
const REPORT_MS = 30_000;

/**
 * Has a pod deleted however long that takes, until `removed` says that it is: an API that is away is asked
 * again, and a node that never reports the end of it is not waited for.
 */
export async function removePod(
  { pods, clock, logger }: RemovalParts,
  { metadata }: V1Pod,
  graceMs: number,
  removed: AbortSignal,
): Promise<void> {
  const name = metadata?.name ?? '';
  // 0 takes the object away without a word to the node, which then still runs it for a while.
  const graceSeconds = graceMs === 0 ? 0 : Math.max(1, Math.ceil(graceMs / 1000));
  const remove = async (seconds: number): Promise<void> => {
    for (let failures = 1; !removed.aborted; failures += 1) {
      try {
        return await pods.delete(name, { graceSeconds: seconds, uid: metadata?.uid });
      } catch (error) {
        logger.warn({ instance: name }, `its pod will be deleted later: ${messageOf(error)}`);
        await pause(clock, backoffMs(failures), removed);
      }
    }
  };
  await remove(graceSeconds);
  await pause(clock, graceSeconds * 1000 + REPORT_MS, removed);
  if (!removed.aborted) await remove(0);
}
