import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadKubeConfig } from '../../../autoscaler/kubernetes/kube-config.ts';
import type { ApiAddress } from './api-requests.ts';

/** Who answers, and as whom we ask, by a kubeconfig's current context. */
export async function readKubeconfig(file: string): Promise<ApiAddress> {
  const config = await loadKubeConfig({ kubeconfig: file });
  const { server, caData } = config.getCurrentCluster()!;
  const { token, certData, keyData } = config.getCurrentUser()!;
  const isCertified = certData !== undefined && keyData !== undefined;
  return {
    url: server,
    ...(token === undefined ? {} : { token }),
    ...(caData === undefined ? {} : { certificate: decode(caData) }),
    ...(isCertified ? { client: { cert: decode(certData), key: decode(keyData) } } : {}),
  };
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString();
}

/** Writes a kubeconfig, as `kubectl` and the autoscaler read it, and gives its path. */
export async function writeKubeconfig(
  directory: string,
  { url, token, certificate }: ApiAddress,
): Promise<string> {
  const authority =
    certificate === undefined
      ? {}
      : { 'certificate-authority-data': Buffer.from(certificate).toString('base64') };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server: url, ...authority } }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
  };
  const file = join(directory, 'kubeconfig');
  await writeFile(file, JSON.stringify(config));
  return file;
}
