import type { ApiObject } from '../api-requests.ts';
import { badRequest, invalid } from './api-failure.ts';
import type { ListKind, ListTopology } from './field-sets.ts';
import { admitPod } from './pod-rules.ts';
import type { ResourceType } from './resource-types.ts';

const LIST_KINDS: Readonly<Record<string, ListKind>> = {
  finalizers: 'set',
  ownerReferences: ['uid'],
  conditions: ['type'],
  containers: ['name'],
  initContainers: ['name'],
  env: ['name'],
  ports: ['containerPort', 'protocol'],
  volumes: ['name'],
  volumeMounts: ['mountPath'],
  imagePullSecrets: ['name'],
};

const lists: ListTopology = (path) => LIST_KINDS[path.at(-1) ?? ''] ?? 'atomic';

const DEFAULTS = {
  group: '',
  version: 'v1',
  shortNames: [],
  namespaced: true,
  subresources: [],
  selectableFields: ['metadata.name', 'metadata.namespace'],
  countsGenerations: false,
  needsResourceVersion: false,
  createsOnReplace: false,
  lists,
  admit: () => {},
} satisfies Partial<ResourceType>;

function type(own: Partial<ResourceType> & Pick<ResourceType, 'kind' | 'plural'>): ResourceType {
  return { ...DEFAULTS, singular: own.kind.toLowerCase(), ...own };
}

/** With exactly six digits, or the real one cannot read it. */
const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/;

function admitLease(lease: ApiObject): void {
  const spec = (lease.spec ?? {}) as Record<string, unknown>;
  for (const field of ['acquireTime', 'renewTime']) {
    const time = spec[field];
    if (time !== undefined && time !== null && !MICRO_TIME.test(String(time)))
      throw badRequest(`Lease in version "v1" cannot be handled as a Lease: cannot parse ${field} "${time}"`);
  }
  const mistakes: string[] = [];
  if (Number(spec.leaseDurationSeconds ?? 1) <= 0)
    mistakes.push(
      `spec.leaseDurationSeconds: Invalid value: ${spec.leaseDurationSeconds}: must be greater than 0`,
    );
  if (Number(spec.leaseTransitions ?? 0) < 0)
    mistakes.push(
      `spec.leaseTransitions: Invalid value: ${spec.leaseTransitions}: must be greater than or equal to 0`,
    );
  if (mistakes.length > 0) throw invalid('Lease.coordination.k8s.io', lease.metadata.name!, mistakes);
}

/** What is written as text is kept in base64. */
function admitSecret(secret: ApiObject): void {
  const { stringData = {} } = secret as { stringData?: Record<string, string> };
  delete secret.stringData;
  secret.type ??= 'Opaque';
  const encoded = Object.entries(stringData).map(([key, text]) => [
    key,
    Buffer.from(text).toString('base64'),
  ]);
  if (encoded.length > 0) secret.data = { ...(secret.data as object), ...Object.fromEntries(encoded) };
}

function admitNamespace(namespace: ApiObject): void {
  namespace.spec ??= { finalizers: ['kubernetes'] };
  namespace.status ??= { phase: 'Active' };
}

/** Of what Kubernetes has itself, what an autoscaler deals with. */
export const BUILT_IN_TYPES: readonly ResourceType[] = [
  type({
    kind: 'Pod',
    plural: 'pods',
    shortNames: ['po'],
    subresources: ['status', 'log', 'binding', 'eviction'],
    selectableFields: ['metadata.name', 'metadata.namespace', 'spec.nodeName', 'status.phase'],
    admit: admitPod,
  }),
  type({
    kind: 'Node',
    plural: 'nodes',
    shortNames: ['no'],
    namespaced: false,
    subresources: ['status'],
    selectableFields: ['metadata.name', 'spec.unschedulable'],
  }),
  type({
    kind: 'Namespace',
    plural: 'namespaces',
    shortNames: ['ns'],
    namespaced: false,
    admit: admitNamespace,
  }),
  type({ kind: 'Secret', plural: 'secrets', admit: admitSecret }),
  type({ kind: 'ConfigMap', plural: 'configmaps', shortNames: ['cm'] }),
  type({
    kind: 'Event',
    plural: 'events',
    shortNames: ['ev'],
    selectableFields: [
      'metadata.name',
      'metadata.namespace',
      'involvedObject.kind',
      'involvedObject.name',
      'involvedObject.namespace',
      'involvedObject.uid',
      'reason',
      'type',
    ],
  }),
  type({ kind: 'Service', plural: 'services', shortNames: ['svc'], subresources: ['status'] }),
  type({ kind: 'ServiceAccount', plural: 'serviceaccounts', shortNames: ['sa'] }),
  type({
    kind: 'Deployment',
    plural: 'deployments',
    group: 'apps',
    subresources: ['status'],
    countsGenerations: true,
  }),
  type({
    kind: 'Lease',
    plural: 'leases',
    group: 'coordination.k8s.io',
    needsResourceVersion: true,
    createsOnReplace: true,
    admit: admitLease,
  }),
];
