import { formatDuration } from '../../models/base/units.ts';
import type { FunctionSpec } from '../functions/spec.ts';

/**
 * That a function is planned for a looser SLO than its own, and what becomes of its requests, in two
 * sentences.
 */
export function looserSloText({ slo, percentile, late }: FunctionSpec, plannedMs: number): string {
  const what = `No config that a node can hold answers within ${formatDuration(slo)} at p${percentile} now`;
  const requests =
    late === 'serve'
      ? 'Requests are served as well as can be.'
      : 'Requests are refused, but for one a second that shows whether it is still so.';
  return `${what}: it is planned for ${formatDuration(plannedMs)}. ${requests}`;
}
