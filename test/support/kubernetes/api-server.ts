import { randomUUID } from 'node:crypto';
import { ApiDouble } from './api-double.ts';
import type { ApiRequests } from './api-requests.ts';
import { RealApiServer } from './real-api-server.ts';

/**
 * A Kubernetes API for tests. Nothing runs behind it: what kubelet, scheduler and controllers do is played.
 */
export interface ApiServer {
  readonly kind: 'real' | 'double';
  /** A file, for an administrator of it all. */
  readonly kubeconfig: string;
  /** Requests past the code under test. */
  readonly requests: ApiRequests;
  /**
   * It is away while `during` runs, as at an upgrade; every connection breaks. Afterwards it is back with all
   * it had.
   */
  outage(during?: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/**
 * The real one where `KUBEBUILDER_ASSETS` names a folder with etcd and kube-apiserver, else the double. Says
 * which.
 */
export async function openApiServer(): Promise<ApiServer> {
  const binaries = process.env.KUBEBUILDER_ASSETS;
  const server =
    binaries === undefined || binaries === '' ? await ApiDouble.start() : await RealApiServer.start(binaries);
  console.log(
    server.kind === 'real'
      ? `Kubernetes API: the real kube-apiserver of ${binaries}`
      : 'Kubernetes API: the double in this process (KUBEBUILDER_ASSETS names no real one)',
  );
  return server;
}

/** A namespace that no other test uses. */
export async function newNamespace({ requests }: ApiServer): Promise<string> {
  const name = `test-${randomUUID().slice(0, 8)}`;
  await requests.create('/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name },
  });
  return name;
}
