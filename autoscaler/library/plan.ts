import { type WrittenOptions, writtenValues } from '../../models/base/command-line/read-options.ts';
import { PLAN_OPTIONS, planRequest } from '../what-if/commands/plan-command.ts';
import type { WhatIfReport } from '../what-if/report/report.ts';
import { type WhatIfProgress, whatIf } from '../what-if/what-if.ts';

/** The options of `infless plan`, as `{ functions: 'f.yaml', cluster: 'c.yaml', rate: 50 }`. */
export type PlanRequest = Omit<WrittenOptions<typeof PLAN_OPTIONS>, 'json' | 'html'> & {
  /** Ends it; the report then is of what was simulated by then. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: WhatIfProgress) => void;
};

/**
 * Simulates functions on a cluster under a load, as `infless plan`: the code that decides in production, in
 * virtual time.
 *
 * @param request the files of functions and cluster, and a load
 * @throws InflessError INVALID_INPUT, PROFILE_*
 */
export async function plan({ signal, onProgress, ...given }: PlanRequest): Promise<WhatIfReport> {
  const request = await planRequest(writtenValues(PLAN_OPTIONS, given, 'plan'));
  return whatIf({
    ...request,
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
}
