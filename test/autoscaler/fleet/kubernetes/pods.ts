import type { V1ContainerState, V1Pod, V1PodStatus } from '@kubernetes/client-node';

/** A pod with nothing but a status. */
export function podWith(status: V1PodStatus): V1Pod {
  return { metadata: { name: 'a' }, status };
}

export function podInState(state: V1ContainerState, status: V1PodStatus = {}): V1Pod {
  const container = { name: 'model', image: '', imageID: '', ready: false, restartCount: 0, state };
  return podWith({ containerStatuses: [container], ...status });
}

/** JSON has times as text, whatever the library's types say. */
export function time(text: string): Date {
  return text as unknown as Date;
}
