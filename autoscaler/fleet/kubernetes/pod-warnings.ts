import type { CoreV1Event, V1Pod } from '@kubernetes/client-node';
import type { Connection } from '../../kubernetes/connection.ts';
import { EVENTS } from '../../kubernetes/kinds.ts';
import { ResourceClient } from '../../kubernetes/resource-client.ts';
import { timeMs } from './pod-state.ts';

export interface PodWarning {
  /** One word of Kubernetes' own: `FailedMount`, `Unhealthy`, … */
  readonly reason: string | undefined;
  readonly message: string;
}

/** What is told of pods in events only: a volume that cannot be mounted, a probe that fails. */
export class PodWarnings {
  readonly #events: ResourceClient<CoreV1Event>;

  constructor(connection: Connection) {
    this.#events = new ResourceClient<CoreV1Event>(connection, EVENTS);
  }

  /** The last warning about a pod; undefined where there is none, or it cannot be read. */
  async last({ metadata }: V1Pod): Promise<PodWarning | undefined> {
    try {
      const { items } = await this.#events.list({
        fieldSelector: `involvedObject.uid=${metadata?.uid},type=Warning`,
      });
      const event = items.reduce<CoreV1Event | undefined>(later, undefined);
      return event?.message === undefined ? undefined : { reason: event.reason, message: event.message };
    } catch {
      return undefined; // an explanation that is missing must not hide what it explains
    }
  }
}

function later(one: CoreV1Event | undefined, other: CoreV1Event): CoreV1Event {
  return one !== undefined && seenAtMs(one) > seenAtMs(other) ? one : other;
}

function seenAtMs({ eventTime, lastTimestamp, metadata }: CoreV1Event): number {
  return timeMs(lastTimestamp ?? (eventTime as unknown as Date | undefined) ?? metadata.creationTimestamp);
}
