import type { Shortage } from '../planning/decision.ts';

/** What the cluster has no place for, in a sentence. */
export function shortageText({ missingPerSecond, missingInstances = 0, reason }: Shortage): string {
  if (reason !== undefined) return `${reason}.`;
  const missing = [
    ...(missingPerSecond > 0 ? [`${missingPerSecond.toPrecision(2)} of the requests per second`] : []),
    ...(missingInstances > 0 ? [`${missingInstances} of the instances that shall always run`] : []),
  ];
  return `The cluster has no room for ${missing.join(' and ')}.`;
}
