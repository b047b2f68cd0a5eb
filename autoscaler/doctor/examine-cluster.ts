import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../models/base/errors.ts';
import type { Finding } from './examine-machine.ts';

/** What an autoscaler does in a cluster. */
const NEEDED = [
  { verb: 'create', group: '', resource: 'pods' },
  { verb: 'delete', group: '', resource: 'pods' },
  { verb: 'list', group: '', resource: 'nodes', isClusterWide: true },
  { verb: 'update', group: 'coordination.k8s.io', resource: 'leases' },
  { verb: 'list', group: 'infless.io', resource: 'inferencefunctions' },
] as const;

const ABOUT = 'Kubernetes';
/** A cluster that is away must not keep a person waiting. */
const PATIENCE_MS = 5_000;

/** The cluster of the kubeconfig, and what may be done there. */
export async function examineCluster(): Promise<Finding> {
  if (!hasAccess())
    return {
      about: ABOUT,
      verdict: 'good',
      text: 'no kubeconfig',
      meaning: 'Functions run on this machine.',
    };
  const { connect } = await import('../kubernetes/connection.ts');
  try {
    const connection = await connect();
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const version = await connection.call<{ gitVersion: string }>({
        method: 'GET',
        path: '/version',
        signal,
      });
      const denied: string[] = [];
      for (const each of NEEDED)
        if (!(await isAllowed(each, connection, signal))) denied.push(`${each.verb} ${each.resource}`);
      const text = `${connection.server} (${version.gitVersion}), namespace ${connection.namespace}`;
      if (denied.length === 0) return { about: ABOUT, verdict: 'good', text };
      return {
        ...{ about: ABOUT, verdict: 'note', text },
        meaning: `With these credentials one may not: ${denied.join(', ')}.`,
        remedy: 'Use the service account of the chart, or a role as in autoscaler/deploy/base/role.yaml.',
      };
    } finally {
      await connection.close();
    }
  } catch (error) {
    return {
      ...{
        about: ABOUT,
        verdict: 'note',
        text: `the cluster of the kubeconfig does not answer: ${messageOf(error)}`,
      },
      remedy: 'Functions can run on this machine all the same.',
    };
  }
}

function hasAccess(): boolean {
  const { KUBECONFIG, KUBERNETES_SERVICE_HOST } = process.env;
  return Boolean(KUBECONFIG || KUBERNETES_SERVICE_HOST) || existsSync(join(homedir(), '.kube', 'config'));
}

async function isAllowed(
  { verb, group, resource, ...scope }: (typeof NEEDED)[number],
  connection: { readonly namespace: string; call<T>(request: object): Promise<T> },
  signal: AbortSignal,
): Promise<boolean> {
  const namespace = 'isClusterWide' in scope ? undefined : connection.namespace;
  const review = await connection.call<{ status: { allowed: boolean } }>({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { verb, group, resource, namespace } },
    },
    signal,
  });
  return review.status.allowed;
}
