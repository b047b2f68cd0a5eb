import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApiAddress } from './api-requests.ts';

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
