import { isDeepStrictEqual } from 'node:util';
import type { ApiObject } from '../api-requests.ts';
import { invalid } from './api-failure.ts';

interface Resources {
  limits?: Record<string, string>;
  requests?: Record<string, string>;
}

interface Container {
  name?: string;
  image?: string;
  imagePullPolicy?: string;
  resources?: Resources;
}

interface PodSpec {
  containers?: Container[];
  nodeName?: string;
  tolerations?: unknown[];
  [field: string]: unknown;
}

const SPEC_DEFAULTS = {
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  securityContext: {},
  schedulerName: 'default-scheduler',
  priority: 0,
  enableServiceLinks: true,
  preemptionPolicy: 'PreemptLowerPriority',
};

/** What the admission plugin DefaultTolerationSeconds adds. */
const TOLERATIONS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map((key) => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 300,
}));

/** The defaults and refusals of the real one that a pod of a serving process can meet. */
export function admitPod(pod: ApiObject, live: ApiObject | undefined): void {
  const spec = (pod.spec ?? {}) as PodSpec;
  refuseMistakes(pod, spec);
  if (live === undefined) {
    pod.spec = withDefaults(spec);
    pod.status = { phase: 'Pending', qosClass: qosClass(spec) };
  } else {
    refuseChange(pod, spec, live.spec as PodSpec);
  }
}

function refuseMistakes(pod: ApiObject, { containers = [] }: PodSpec): void {
  const mistakes = containers.flatMap(({ name, image }, index) => [
    ...(name === undefined ? [`spec.containers[${index}].name: Required value`] : []),
    ...(image === undefined ? [`spec.containers[${index}].image: Required value`] : []),
  ]);
  if (containers.length === 0) mistakes.push('spec.containers: Required value');
  if (mistakes.length > 0) throw invalid('Pod', pod.metadata.name!, mistakes);
}

function withDefaults(spec: PodSpec): PodSpec {
  const tolerations = [...(spec.tolerations ?? []), ...TOLERATIONS];
  const containers = spec.containers?.map((container) => ({
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: /(^|\/)[^/:]+(:latest)?$/.test(container.image!) ? 'Always' : 'IfNotPresent',
    ...container,
    resources: withRequests(container.resources ?? {}),
  }));
  return { ...SPEC_DEFAULTS, ...spec, ...(containers && { containers }), tolerations };
}

/** What is limited and not requested is requested as limited. */
function withRequests({ limits, requests }: Resources): Resources {
  if (limits === undefined) return requests === undefined ? {} : { requests };
  return { limits, requests: { ...limits, ...requests } };
}

function qosClass({ containers = [] }: PodSpec): string {
  const all = containers.map(({ resources = {} }) => withRequests(resources));
  if (all.every(({ requests = {} }) => Object.keys(requests).length === 0)) return 'BestEffort';
  const isGuaranteed = all.every(
    ({ limits = {}, requests = {} }) =>
      ['cpu', 'memory'].every((name) => limits[name] !== undefined) && isDeepStrictEqual(limits, requests),
  );
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}

/** A pod stays what it is: only its images may change, and its tolerations become more. */
function refuseChange(pod: ApiObject, spec: PodSpec, live: PodSpec): void {
  const fixed = ({ containers, tolerations: _tolerations, ...rest }: PodSpec): unknown => ({
    ...rest,
    containers: containers?.map(({ image: _image, ...container }) => container),
  });
  if (isDeepStrictEqual(fixed(spec), fixed(live))) return;
  throw invalid('Pod', pod.metadata.name!, [
    'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`, ' +
      '`spec.initContainers[*].image`, `spec.activeDeadlineSeconds` or `spec.tolerations` (only additions to existing tolerations)',
  ]);
}
