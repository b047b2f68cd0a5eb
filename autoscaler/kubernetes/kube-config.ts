import type { KubeConfig } from '@kubernetes/client-node';
import { InflessError, messageOf, systemCode } from '../../models/base/errors.ts';

export interface ClusterAccess {
  /** Default: what KUBECONFIG names, else ~/.kube/config, else the service account of the pod we run in. */
  readonly kubeconfig?: string | undefined;
  /** Context of the kubeconfig; default: its current one. */
  readonly context?: string | undefined;
}

/** What the library makes up where it finds no configuration anywhere. */
const MADE_UP_CONTEXT = 'loaded-context';

/** @throws InflessError INVALID_INPUT where there is none, it cannot be read, or it lacks the context. */
export async function loadKubeConfig({ kubeconfig, context }: ClusterAccess): Promise<KubeConfig> {
  // The library is large, and no one who serves on one machine should wait for it.
  const { KubeConfig } = await import('@kubernetes/client-node').catch((error: unknown) => {
    throw notInstalled(error);
  });
  const config = new KubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch (error) {
    const what = kubeconfig === undefined ? 'The kubeconfig' : `Kubeconfig ${kubeconfig}`;
    throw new InflessError('INVALID_INPUT', `${what} cannot be read: ${messageOf(error)}`, {
      remedy: 'Give another one with --kubeconfig.',
      cause: error,
    });
  }
  if (config.getCurrentContext() === MADE_UP_CONTEXT) {
    throw new InflessError('INVALID_INPUT', 'No kubeconfig is found, and this is no pod of a cluster', {
      remedy: 'Name one with --kubeconfig or KUBECONFIG.',
    });
  }
  if (context !== undefined) choose(config, context);
  // The library wants to be told that there is no TLS to verify (`kubectl proxy`).
  const cluster = config.getCurrentCluster();
  if (cluster?.server.startsWith('http:')) Object.assign(cluster, { skipTLSVerify: true });
  return config;
}

/** Who serves on one machine does without it. */
function notInstalled(cause: unknown): unknown {
  if (systemCode(cause) !== 'ERR_MODULE_NOT_FOUND') return cause;
  return new InflessError(
    'PLATFORM_FAILED',
    'Clusters need @kubernetes/client-node, which is not installed',
    {
      remedy: 'Run npm install @kubernetes/client-node, where infless is installed.',
      cause,
    },
  );
}

function choose(config: KubeConfig, context: string): void {
  if (config.getContextObject(context) === null) {
    const names = config.getContexts().map(({ name }) => name);
    throw new InflessError('INVALID_INPUT', `The kubeconfig has no context "${context}"`, {
      remedy: names.length === 0 ? 'It has none at all.' : `Choose one of ${names.join(', ')}.`,
    });
  }
  config.setCurrentContext(context);
}
