import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { packageRoot } from '../../models/base/package.ts';

const BASE = join(packageRoot, 'autoscaler/deploy/base');
/** In the base, not installed but only tried: the autoscaler itself runs beside the cluster. */
const ONLY_TRIED = new Set([
  'deployment.yaml',
  'service.yaml',
  'pod-disruption-budget.yaml',
  'network-policy.yaml',
]);
/**
 * Since Kubernetes 1.25 there may be CEL rules in a definition; kubectl refuses them where the cluster knows
 * none.
 */
const RULES_SINCE_MINOR = 25;
const ACCOUNT = 'infless-autoscaler';
const TOKEN_SECONDS = 3600;

/** Where kubectl is: among the binaries of controller tests, else on the PATH. */
export function kubectlCommand(): string | undefined {
  const assets = process.env.KUBEBUILDER_ASSETS;
  const bundled = assets === undefined ? undefined : join(assets, 'kubectl');
  const command = bundled !== undefined && existsSync(bundled) ? bundled : 'kubectl';
  const { error } = spawnSync(command, ['version', '--client'], { stdio: 'ignore' });
  return error === undefined ? command : undefined;
}

/** What an administrator does to a cluster before the first function, in a namespace of the test's own. */
export class Installation {
  readonly namespace: string;
  readonly #kubectl: string;

  constructor(kubectl: string, namespace: string) {
    this.#kubectl = kubectl;
    this.namespace = namespace;
  }

  /** Runs kubectl in the namespace; fails with what it said. */
  kubectl(args: readonly string[], input?: string): string {
    const { status, stdout, stderr, error } = spawnSync(
      this.#kubectl,
      [`--namespace=${this.namespace}`, ...args],
      { encoding: 'utf8', ...(input === undefined ? {} : { input }) },
    );
    if (status === 0) return stdout;
    throw new Error(`kubectl ${args.join(' ')}: ${error?.message ?? stderr}`);
  }

  /** Objects of a kind, by a selector where one is given. */
  list<T>(kind: string, selector?: string): readonly T[] {
    const chosen = selector === undefined ? [] : ['-l', selector];
    return (JSON.parse(this.kubectl(['get', kind, ...chosen, '-o', 'json'])) as { items: T[] }).items;
  }

  async install(): Promise<void> {
    const files = (await readdir(BASE)).filter((file) => file !== 'kustomization.yaml');
    const isCurrent = this.#minorVersion() >= RULES_SINCE_MINOR;
    const order = (file: string): number => (file === 'namespace.yaml' ? 0 : 1);
    for (const file of files.sort((a, b) => order(a) - order(b))) {
      const text = (await readFile(join(BASE, file), 'utf8'))
        .replaceAll('namespace: infless', `namespace: ${this.namespace}`)
        .replace(/(kind: Namespace\nmetadata:\n {2}name: )infless/, `$1${this.namespace}`)
        // What is not in a namespace must not be taken for an installation that may be there.
        .replaceAll(/(kind: ClusterRole(?:Binding)?\n(?:metadata:\n {2})?name: ).*/g, `$1${this.namespace}`)
        .replaceAll(/(kind: ClusterRole\n {2}name: ).*/g, `$1${this.namespace}`);
      const isTried = ONLY_TRIED.has(file);
      if (isTried && !isCurrent) continue; // some of them are of kinds that are younger
      const dryRun = isTried ? ['--dry-run=server'] : [];
      this.kubectl(['apply', ...dryRun, ...(isCurrent ? [] : ['--validate=false']), '-f', '-'], text);
    }
    this.kubectl(['wait', '--for=condition=Established', 'crd/inferencefunctions.infless.io']);
  }

  #minorVersion(): number {
    const { serverVersion } = JSON.parse(this.kubectl(['version', '-o', 'json'])) as {
      serverVersion: { minor: string };
    };
    return Number.parseInt(serverVersion.minor, 10);
  }

  /** A kubeconfig with the rights of the service account and no others. */
  async accountKubeconfig(folder: string): Promise<string> {
    const path = `/api/v1/namespaces/${this.namespace}/serviceaccounts/${ACCOUNT}/token`;
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: TOKEN_SECONDS },
    };
    const answer = this.kubectl(['create', '--raw', path, '-f', '-'], JSON.stringify(request));
    const { token } = (JSON.parse(answer) as { status: { token: string } }).status;
    const config = parse(this.kubectl(['config', 'view', '--raw', '--minify', '-o', 'json']));
    for (const entry of config.users) entry.user = { token };
    const file = join(folder, 'kubeconfig');
    await writeFile(file, JSON.stringify(config), { mode: 0o600 });
    return file;
  }

  /** Takes away all that {@link install} and the test have made, but the definition of functions. */
  uninstall(): void {
    for (const kind of ['clusterrolebinding', 'clusterrole'])
      this.kubectl(['delete', kind, this.namespace, '--ignore-not-found']);
    this.kubectl(['delete', 'namespace', this.namespace, '--ignore-not-found', '--timeout=180s']);
  }
}
