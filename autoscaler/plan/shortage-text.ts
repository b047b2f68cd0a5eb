import type { Shortage } from '../planning/decision.ts';

/** Why a function is short, in a word, as Kubernetes writes reasons. */
export type ShortageKind = 'NoSuitableNode' | 'MaxInstances' | 'ClusterFull';

export function shortageKind({ reason, maxInstances }: Shortage): ShortageKind {
  if (reason !== undefined) return 'NoSuitableNode';
  return maxInstances === undefined ? 'ClusterFull' : 'MaxInstances';
}

/** What is not carried, and why, in a sentence. */
export function shortageText(shortage: Shortage): string {
  const { missingPerSecond, missingInstances = 0, reason, maxInstances } = shortage;
  if (reason !== undefined) return `${reason}.`;
  const rate = `${missingPerSecond.toPrecision(2)} of the requests per second`;
  if (maxInstances !== undefined)
    return `scale.max allows ${maxInstances} ${maxInstances === 1 ? 'instance' : 'instances'}: too few for ${rate}.`;
  const missing = [
    ...(missingPerSecond > 0 ? [rate] : []),
    ...(missingInstances > 0 ? [`${missingInstances} of the instances that shall always run`] : []),
  ];
  return `The cluster has no room for ${missing.join(' and ')}.`;
}
