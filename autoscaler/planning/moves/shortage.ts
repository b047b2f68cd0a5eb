import { selectorText } from '../../cluster/node.ts';
import type { Shortage } from '../decision.ts';
import type { FunctionPlan } from '../targets/function-plan.ts';
import { sizeOf } from '../targets/offer.ts';

/** What a function lacks after a plan; undefined for nothing. */
export function shortageOf(plan: FunctionPlan): Shortage | undefined {
  const { demand, missingPerSecond } = plan;
  const missingInstances = Math.max(0, plan.fewest - sizeOf(plan.comingCounts));
  if (missingPerSecond === 0 && missingInstances === 0) return undefined;
  const reason = obstacleTo(plan);
  return {
    functionName: demand.name,
    missingPerSecond,
    ...(missingInstances === 0 ? {} : { missingInstances }),
    ...(plan.size < demand.maxInstances ? {} : { maxInstances: demand.maxInstances }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Why it can have no instance at all, however empty the cluster is. */
function obstacleTo({ demand, site, offers }: FunctionPlan): string | undefined {
  if (offers.all.length > 0) return undefined;
  const { nodeSelector = {} } = demand;
  const labels = selectorText(nodeSelector);
  if (site.nodes.length === 0 && labels !== '') return `No node has the labels that it asks for: ${labels}`;
  if (site.nodes.length === 0) return 'There is no node';
  const nodes = labels === '' ? 'No node' : `No node with ${labels}`;
  return `${nodes} is large enough for any of its configs`;
}
