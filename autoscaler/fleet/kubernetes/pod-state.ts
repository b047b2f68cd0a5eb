import type { V1ContainerStatus, V1Pod, V1PodCondition } from '@kubernetes/client-node';
import { stderrTail } from '../last-words.ts';

/** What a pod's status says of its instance. */
export type PodState =
  | { readonly kind: 'waiting'; readonly trouble?: Trouble }
  | { readonly kind: 'ready'; readonly sinceMs: number; readonly ip: string }
  /** None of its containers will run again. */
  | { readonly kind: 'over'; readonly reason: string };

/** Why it does not get on. */
export interface Trouble {
  readonly reason: string;
  /** It may pass by itself: room is made on nodes. */
  readonly mayPass: boolean;
  /** It is about the image, of which an earlier state told more: see {@link pullFailureOf}. */
  readonly isAboutImage: boolean;
}

/** Of a container that waits: what keeps it, and that kubelet's next try would not change that. */
const HOPELESS: ReadonlyMap<string, string> = new Map([
  ['ImagePullBackOff', 'its image cannot be pulled'],
  ['InvalidImageName', 'its image has no valid name'],
  ['ErrImageNeverPull', 'its image is not on the node and must not be pulled'],
  ['CreateContainerConfigError', 'its container cannot be set up'],
  ['CreateContainerError', 'its container cannot be made'],
  ['RunContainerError', 'its container cannot be run'],
  ['CrashLoopBackOff', 'it ends again and again'],
]);

export function stateOf(pod: V1Pod): PodState {
  const { phase, podIP } = pod.status ?? {};
  if (phase === 'Succeeded' || phase === 'Failed') return { kind: 'over', reason: endOf(pod) };
  const ready = condition(pod, 'Ready');
  if (ready?.status === 'True' && podIP !== undefined)
    return { kind: 'ready', sinceMs: timeMs(ready.lastTransitionTime), ip: podIP };
  const trouble = troubleOf(pod);
  return { kind: 'waiting', ...(trouble === undefined ? {} : { trouble }) };
}

/** Why somebody has it deleted, where that is told. */
export function disruptionOf(pod: V1Pod): string | undefined {
  const target = condition(pod, 'DisruptionTarget');
  return target?.status === 'True' ? `it was evicted: ${target.message ?? target.reason}` : undefined;
}

/** What the registry said is told only at the first failure; later ones say merely that they wait. */
export function pullFailureOf(pod: V1Pod): string | undefined {
  const waiting = statuses(pod).map(({ state }) => state?.waiting);
  const failure = waiting.find((it) => it?.reason === 'ErrImagePull')?.message;
  return failure === undefined ? undefined : withDetail(HOPELESS.get('ImagePullBackOff')!, failure);
}

function troubleOf(pod: V1Pod): Trouble | undefined {
  const scheduled = condition(pod, 'PodScheduled');
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable')
    return {
      reason: withDetail('its node does not take it', scheduled.message),
      mayPass: true,
      isAboutImage: false,
    };
  for (const { state, lastState } of statuses(pod)) {
    const { reason = '', message = '' } = state?.waiting ?? {};
    const what = HOPELESS.get(reason);
    if (what === undefined) continue;
    const words = stderrTail(lastState?.terminated?.message ?? message);
    return { reason: withDetail(what, words), mayPass: false, isAboutImage: reason === 'ImagePullBackOff' };
  }
  return undefined;
}

/** How a pod ended: what its node said, or what its container did. */
function endOf(pod: V1Pod): string {
  const { reason, message } = pod.status ?? {};
  if (reason === 'Evicted') return withDetail('it was evicted', message);
  const disruption = disruptionOf(pod);
  if (disruption !== undefined) return disruption;
  if (reason !== undefined) return withDetail(`its node ended it (${reason})`, message);
  const ended = statuses(pod)
    .map(({ state }) => state?.terminated)
    .find((it) => it !== undefined);
  if (ended === undefined) return withDetail('its pod has ended', message);
  const how =
    ended.reason === 'OOMKilled' ? 'it needed more memory than it may have' : exitOf(ended.exitCode);
  return withDetail(how, stderrTail(ended.message ?? ''));
}

function exitOf(exitCode: number): string {
  return exitCode > 128
    ? `it was killed by signal ${exitCode - 128}`
    : `it ended by itself, with exit code ${exitCode}`;
}

function withDetail(what: string, detail: string | undefined): string {
  return detail === undefined || detail === '' ? what : `${what}: ${detail}`;
}

function condition({ status }: V1Pod, type: string): V1PodCondition | undefined {
  return status?.conditions?.find((it) => it.type === type);
}

function statuses({ status }: V1Pod): readonly V1ContainerStatus[] {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
}

/** JSON has times as text, whatever the library's types say. */
export function timeMs(time: Date | string | undefined): number {
  return time === undefined ? 0 : new Date(time).getTime();
}
