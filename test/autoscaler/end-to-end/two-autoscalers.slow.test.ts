import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { SmallRegistry } from '../../packager/registry/small-registry.ts';
import { AutoscalerProcess } from '../../support/autoscaler-process.ts';
import { pushDescribed } from '../../support/described-image.ts';
import type { ApiObject } from '../../support/kubernetes/api-requests.ts';
import { type ApiServer, newNamespace, openApiServer } from '../../support/kubernetes/api-server.ts';
import { installInferenceFunctions } from '../../support/kubernetes/inference-functions.ts';
import { PodPlayer } from '../../support/kubernetes/pod-player.ts';
import { PodServers } from '../../support/kubernetes/pod-servers.ts';
import { PROFILE } from '../../support/simulated-functions.ts';

const SOON = { timeout: 50_000, interval: 50 };

let server: ApiServer;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-two-'));
  server = await openApiServer();
  await installInferenceFunctions(server);
}, 120_000);
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/** Requests to a function, one after the other, until it is told to end. */
class Caller {
  readonly #url: string;
  readonly #failures: string[] = [];
  readonly #done: Promise<void>;
  #answers = 0;
  #hasEnded = false;

  constructor(url: string) {
    this.#url = url;
    this.#done = this.#call();
  }

  get answers(): number {
    return this.#answers;
  }

  /** What went wrong. */
  async end(): Promise<readonly string[]> {
    this.#hasEnded = true;
    await this.#done;
    return this.#failures;
  }

  async #call(): Promise<void> {
    for (let index = 0; !this.#hasEnded; index += 1) {
      const body = `request ${index}`;
      const response = await fetch(this.#url, { method: 'POST', body }).catch((error: unknown) =>
        String(error),
      );
      const answer = typeof response === 'string' ? response : await response.text();
      if (answer === body) this.#answers += 1;
      else this.#failures.push(answer);
      await sleep(20);
    }
  }
}

describe('two autoscalers on one cluster', () => {
  it('are one to their clients, and when the one that leads dies nothing is lost', async (context) => {
    const servers = new PodServers();
    onTestFinished(() => servers.close());
    if (!(await servers.canServe())) context.skip('needs port 8080 of addresses in 127/8');
    const registry = await SmallRegistry.start();
    const image = `${registry.host}/digits:1`;
    await pushDescribed(image, PROFILE);
    const namespace = await newNamespace(server);
    const player = new PodPlayer(server.requests, namespace, undefined, () => servers.open());
    onTestFinished(() => player.close());
    await player.addNode(`${namespace}-node`);
    const lease = async (): Promise<ApiObject> =>
      server.requests.get(`/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/infless-autoscaler`);
    const readyPods = async (): Promise<(string | undefined)[]> =>
      (await player.pods())
        .filter(({ status }) =>
          status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
        )
        .map(({ metadata }) => metadata?.uid);
    const start = (): AutoscalerProcess => {
      const autoscaler = new AutoscalerProcess(
        ...['--platform', 'kubernetes', '--kubeconfig', server.kubeconfig, '--namespace', namespace],
        ...['--host', '127.0.0.1', '--port', '0'],
      );
      onTestFinished(() => void autoscaler.child.kill('SIGKILL'));
      return autoscaler;
    };

    const first = start();
    const declaration = { name: 'digits', image, insecure: true, slo: '200ms', scale: { min: 2 } };
    await expect.poll(lease, SOON).toMatchObject({ spec: { leaseTransitions: 0 } });
    await first.declare(declaration);
    await expect.poll(readyPods, SOON).toHaveLength(2);
    const before = await readyPods();

    const second = start();
    const url = await second.url();
    const calls = new Caller(`${url}/function/digits`);
    await expect.poll(() => calls.answers, SOON).toBeGreaterThan(20);
    // The one that leads has had them all.
    await expect.poll(async () => (await first.status('digits')).latest?.requests, SOON).toBeGreaterThan(20);

    first.child.kill('SIGKILL');
    await first.exited();
    const answeredBefore = calls.answers;
    await expect.poll(lease, SOON).toMatchObject({
      metadata: { annotations: { 'infless.io/gateway-url': url } },
      spec: { leaseTransitions: 1 },
    });
    expect(calls.answers).toBeGreaterThan(answeredBefore + 20); // no one had to wait for the lease
    await sleep(3_000); // several steps of the new leader
    expect(await readyPods()).toEqual(before);

    await second.declare({ ...declaration, scale: { min: 3 } });
    await expect.poll(readyPods, SOON).toHaveLength(3);
    expect(await readyPods()).toEqual(expect.arrayContaining(before));
    const failures = await calls.end();
    // At most the one that the first had when it died, and it is told so.
    expect(failures.length).toBeLessThanOrEqual(1);
    for (const failure of failures) expect(failure).toMatch(/leading autoscaler was lost/);

    await fetch(`${url}/api/functions/digits`, { method: 'DELETE' });
    await expect.poll(() => player.pods(), SOON).toEqual([]);
    second.child.kill('SIGTERM');
    expect(await second.exited()).toBe(0);
    expect((await lease()).spec).toMatchObject({ holderIdentity: '' });
  }, 180_000);
});
