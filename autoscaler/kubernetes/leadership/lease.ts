import type { KubernetesObject } from '@kubernetes/client-node';
import type { ResourceKind } from '../resource-client.ts';

export const LEASES: ResourceKind = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};

/** Where the holder's gateway answers, for those that do not hold it. */
const GATEWAY_URL = 'infless.io/gateway-url';

/** The object by which autoscalers agree who of them leads. */
export interface Lease extends KubernetesObject {
  readonly spec?: {
    /** Empty when its last holder gave it back. */
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

/** Who stands for election. */
export interface Candidate {
  /** Never the same for two processes, nor for two lives of one. */
  readonly identity: string;
  readonly gatewayUrl: string;
}

/** Undefined when no one does. */
export function holderOf(lease: Lease): string | undefined {
  return lease.spec?.holderIdentity || undefined;
}

export function gatewayUrlOf(lease: Lease): string | undefined {
  return lease.metadata?.annotations?.[GATEWAY_URL];
}

/** How long its holder may be silent until another may take it. */
export function durationMsOf(lease: Lease): number | undefined {
  const seconds = lease.spec?.leaseDurationSeconds;
  return seconds === undefined ? undefined : seconds * 1000;
}

/**
 * The lease as the candidate holds it from `nowMs` on: the first one, taken over from another, or renewed.
 */
export function heldBy(
  { identity, gatewayUrl }: Candidate,
  name: string,
  lease: Lease | undefined,
  { durationMs, nowMs }: { readonly durationMs: number; readonly nowMs: number },
): Lease {
  const now = microTime(nowMs);
  const { acquireTime = now, leaseTransitions = 0 } = lease?.spec ?? {};
  const isRenewal = lease !== undefined && holderOf(lease) === identity;
  const annotations = { ...lease?.metadata?.annotations, [GATEWAY_URL]: gatewayUrl };
  return {
    ...lease,
    metadata: { ...lease?.metadata, name, annotations },
    spec: {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(durationMs / 1000),
      acquireTime: isRenewal ? acquireTime : now,
      renewTime: now,
      leaseTransitions: lease === undefined || isRenewal ? leaseTransitions : leaseTransitions + 1,
    },
  };
}

/** The lease as its holder leaves it: anybody may take it at once. */
export function givenBack(lease: Lease, nowMs: number): Lease {
  return { ...lease, spec: { ...lease.spec, holderIdentity: '', renewTime: microTime(nowMs) } };
}

/** Kubernetes' `MicroTime`: six digits, no more and no less. */
function microTime(atMs: number): string {
  return new Date(atMs).toISOString().replace('Z', '000Z');
}
