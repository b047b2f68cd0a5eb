import { createKeepAlivePolicy, type KeepAlivePolicyName } from '../../demand/keepalive/policies.ts';
import type { KeepAlivePolicy } from '../../demand/keepalive/policy.ts';
import { type ReplayOptions, replay } from './replay.ts';
import type { FunctionArrivals } from './traces.ts';

export interface ComparisonOptions extends ReplayOptions {
  /** Of the fixed policy, and the price of a cold start where they are traded. */
  readonly keepAliveMs: number;
}

/** What a policy makes of all functions of a trace together; a resource is one instance. */
export interface PolicyTotals {
  readonly idleResourceSeconds: number;
  /** Requests that found no ready instance, of all requests. */
  readonly coldStartShare: number;
  /** Starts that a request had to wait for. */
  readonly coldStarts: number;
  readonly prewarms: number;
  readonly coldWaitSeconds: number;
  readonly requests: number;
  /** Idle time plus the price of the cold starts. */
  readonly costSeconds: number;
}

/** Makes a policy for one function; `keepAliveMs` as its owner declares it. */
export type KeepAliveMaker = (keepAliveMs: number) => KeepAlivePolicy;

/** Replays every function against a policy of its own and adds up. */
export function totalsOf(
  policy: KeepAlivePolicyName | KeepAliveMaker,
  trace: readonly FunctionArrivals[],
  options: ComparisonOptions,
): PolicyTotals {
  const sum = { requests: 0, coldRequests: 0, coldStarts: 0, prewarms: 0, coldWaitMs: 0, idleMs: 0 };
  for (const arrivals of trace) {
    const { keepAliveMs } = options;
    const own =
      typeof policy === 'function' ? policy(keepAliveMs) : createKeepAlivePolicy(policy, keepAliveMs);
    const outcome = replay(arrivals, own, options);
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += outcome[key];
  }
  return {
    idleResourceSeconds: sum.idleMs / 1000,
    coldStartShare: sum.requests === 0 ? 0 : sum.coldRequests / sum.requests,
    coldStarts: sum.coldStarts,
    prewarms: sum.prewarms,
    coldWaitSeconds: sum.coldWaitMs / 1000,
    requests: sum.requests,
    costSeconds: (sum.idleMs + sum.coldStarts * options.keepAliveMs) / 1000,
  };
}
