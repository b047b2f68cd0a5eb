import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiAddress, ApiRequests } from './api-requests.ts';
import type { ApiServer } from './api-server.ts';
import { freePorts } from './free-ports.ts';
import { GuardedProcess } from './guarded-process.ts';
import { writeKubeconfig } from './kubeconfig.ts';

const ATTEMPTS = 3;
const START_TIMEOUT_MS = 100_000;

interface Ports {
  readonly api: number;
  readonly etcd: number;
  readonly etcdPeer: number;
}

/**
 * etcd and kube-apiserver, from the folder that `KUBEBUILDER_ASSETS` names, on loopback and a data folder of
 * their own. There is nothing else of Kubernetes: what kubelet, scheduler and controllers would do is played
 * by tests.
 */
export class RealApiServer implements ApiServer {
  readonly kind = 'real';
  readonly kubeconfig: string;
  readonly requests: ApiRequests;
  readonly #binaries: string;
  readonly #directory: string;
  readonly #ports: Ports;
  #etcd: GuardedProcess;
  #api: GuardedProcess;

  private constructor(parts: {
    binaries: string;
    directory: string;
    ports: Ports;
    etcd: GuardedProcess;
    api: GuardedProcess;
    address: ApiAddress;
    kubeconfig: string;
  }) {
    this.#binaries = parts.binaries;
    this.#directory = parts.directory;
    this.#ports = parts.ports;
    this.#etcd = parts.etcd;
    this.#api = parts.api;
    this.requests = new ApiRequests(parts.address);
    this.kubeconfig = parts.kubeconfig;
  }

  /** Tries again where another program was faster to take a port. */
  static async start(binaries: string): Promise<RealApiServer> {
    for (let attempt = 1; ; attempt += 1) {
      const directory = await mkdtemp(join(tmpdir(), 'infless-api-server-'));
      try {
        return await RealApiServer.#startIn(directory, binaries);
      } catch (error) {
        await rm(directory, { recursive: true, force: true });
        if (attempt === ATTEMPTS) throw error;
      }
    }
  }

  static async #startIn(directory: string, binaries: string): Promise<RealApiServer> {
    const [api, etcd, etcdPeer] = (await freePorts(3)) as [number, number, number];
    const ports: Ports = { api, etcd, etcdPeer };
    const token = randomUUID();
    await writeFile(join(directory, 'tokens.csv'), `${token},tester,tester,system:masters\n`);
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await writeFile(
      join(directory, 'service-accounts.key'),
      privateKey.export({ type: 'pkcs1', format: 'pem' }),
    );
    const etcdProcess = startEtcd(binaries, directory, ports);
    const apiProcess = startApi(binaries, directory, ports);
    try {
      const certificate = await whenReady(apiProcess, etcdProcess, () =>
        readFile(join(directory, 'apiserver.crt'), 'utf8'),
      );
      const address: ApiAddress = { url: `https://127.0.0.1:${ports.api}`, token, certificate };
      const kubeconfig = await writeKubeconfig(directory, address);
      const parts = { binaries, directory, ports, etcd: etcdProcess, api: apiProcess, address, kubeconfig };
      const server = new RealApiServer(parts);
      await server.#ready();
      return server;
    } catch (error) {
      await apiProcess.kill();
      await etcdProcess.kill();
      throw error;
    }
  }

  async outage(during: () => Promise<void> = async () => {}): Promise<void> {
    await this.#api.kill();
    try {
      await during();
    } finally {
      this.#api = startApi(this.#binaries, this.#directory, this.#ports);
      await this.#ready();
    }
  }

  async close(): Promise<void> {
    await this.requests.close();
    await this.#api.kill();
    await this.#etcd.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #ready(): Promise<void> {
    return whenReady(this.#api, this.#etcd, async () => {
      await this.requests.send('GET', '/readyz');
      await this.requests.send('GET', '/api/v1/namespaces/default');
    });
  }
}

function startEtcd(binaries: string, directory: string, { etcd, etcdPeer }: Ports): GuardedProcess {
  const url = `http://127.0.0.1:${etcd}`;
  const peerUrl = `http://127.0.0.1:${etcdPeer}`;
  const args = [
    `--data-dir=${join(directory, 'etcd')}`,
    '--unsafe-no-fsync',
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
  ];
  return new GuardedProcess(join(binaries, 'etcd'), args, join(directory, 'etcd.log'));
}

function startApi(binaries: string, directory: string, { api, etcd }: Ports): GuardedProcess {
  const key = join(directory, 'service-accounts.key');
  const args = [
    '--bind-address=127.0.0.1',
    `--secure-port=${api}`,
    `--etcd-servers=http://127.0.0.1:${etcd}`,
    `--cert-dir=${directory}`, // a certificate is made there, once
    `--token-auth-file=${join(directory, 'tokens.csv')}`,
    '--authorization-mode=RBAC',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${key}`,
    `--service-account-signing-key-file=${key}`,
    '--service-cluster-ip-range=10.96.0.0/24',
    '--endpoint-reconciler-type=none',
    '--disable-admission-plugins=ServiceAccount', // no one makes ServiceAccounts for new namespaces
  ];
  return new GuardedProcess(join(binaries, 'kube-apiserver'), args, join(directory, 'kube-apiserver.log'));
}

/** Asks until there is an answer, as long as both programs run. */
async function whenReady<T>(
  api: GuardedProcess,
  etcd: GuardedProcess,
  question: () => Promise<T>,
): Promise<T> {
  const giveUpAtMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      return await question();
    } catch (error) {
      const ended = [api, etcd].find(({ hasEnded }) => hasEnded);
      const words = (ended ?? api).stderrTail;
      if (ended !== undefined) throw new Error(`a part of the API server has ended:\n${words}`);
      if (performance.now() > giveUpAtMs)
        throw new Error(`the API server does not get ready:\n${words}`, { cause: error });
    }
    await sleep(50);
  }
}
