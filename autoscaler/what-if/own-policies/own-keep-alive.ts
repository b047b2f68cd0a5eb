import type { ColdStartPolicy } from '../../demand/keepalive/policy.ts';
import { guarded } from './own-planner.ts';

/** A keep-alive policy of the user's whose answers are looked at before they are believed. */
export function checkedKeepAlive(
  create: () => ColdStartPolicy,
  onFailure: (error: Error) => void,
): ColdStartPolicy {
  const policy = guarded('keepAlive', onFailure, create);
  return {
    idleBegan: (nowMs, startupMs) =>
      guarded('idleBegan', onFailure, () => {
        const window = policy.idleBegan(nowMs, startupMs);
        const { prewarmMs, keepAliveMs } = window;
        if (prewarmMs >= 0 && keepAliveMs >= prewarmMs) return window;
        throw new Error(
          `returned ${JSON.stringify(window)}, not { prewarmMs, keepAliveMs } with 0 ≤ prewarmMs ≤ keepAliveMs`,
        );
      }),
    idleEnded: (idleMs, nowMs) => guarded('idleEnded', onFailure, () => policy.idleEnded?.(idleMs, nowMs)),
  };
}
