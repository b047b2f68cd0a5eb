import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Instance } from '../../../../autoscaler/cluster/instance.ts';
import { quotaPrefix } from '../../../../autoscaler/fleet/local/adoption.ts';
import {
  LocalPlatform,
  type LocalPlatformOptions,
} from '../../../../autoscaler/fleet/local/local-platform.ts';
import type { StartRequest } from '../../../../autoscaler/fleet/platform.ts';
import type { Workload } from '../../../../autoscaler/functions/deployment.ts';
import { cacheDirectory } from '../../../../models/base/files.ts';
import { programFile } from '../../../../models/base/package.ts';
import { buildZooModel } from '../../../../models/zoo/index.ts';
import { openQuotas } from '../../../../profiler/quota/quota.ts';
import { resourcesOf } from '../../../support/resources.ts';
import type { PlatformHarness } from '../platform-contract.ts';

const quotas = await openQuotas();
const model = await buildZooModel('mnist', join(cacheDirectory(), 'models'));
await stat(programFile('packager/server/bin')); // `npm run build` first: instances are started from dist/

/**
 * The local platform on a state folder of its own, and a look past it at the processes and files there really
 * are.
 */
export class LocalHarness implements PlatformHarness {
  readonly tellsUsage = true;
  readonly workload: Workload;
  readonly broken: PlatformHarness['broken'];
  readonly stateDirectory: string;
  readonly #marker: string;
  readonly #options: Partial<LocalPlatformOptions>;

  private constructor(stateDirectory: string, options: Partial<LocalPlatformOptions>) {
    this.stateDirectory = stateDirectory;
    this.#options = options;
    this.#marker = randomUUID();
    this.workload = {
      version: 'v1',
      model,
      modelName: 'mnist',
      sloMs: 200,
      environment: { INFLESS_TEST_RUN: this.#marker },
      secrets: [],
    };
    this.broken = {
      workload: { ...this.workload, model: join(stateDirectory, 'missing.onnx') },
      reason: /exited with code 2: .*missing\.onnx/,
    };
  }

  static async open(options: Partial<LocalPlatformOptions> = {}): Promise<LocalHarness> {
    return new LocalHarness(await mkdtemp(join(tmpdir(), 'infless-local-')), options);
  }

  create(): LocalPlatform {
    return new LocalPlatform({ stateDirectory: this.stateDirectory, quotas, ...this.#options });
  }

  request(id: string, change: Partial<StartRequest> = {}): StartRequest {
    const { config = { batch: 4, cpuMillicores: 1000, gpuPercent: 0 } } = change;
    return {
      id,
      functionName: 'greeter',
      config,
      resources: resourcesOf(config, 256 * 2 ** 20),
      node: 'local',
      workload: this.workload,
      ...change,
    };
  }

  recordFile(id: string): string {
    return join(this.stateDirectory, 'instances', `${id}.json`);
  }

  async pid(id: string): Promise<number> {
    const record = JSON.parse(await readFile(this.recordFile(id), 'utf8')) as { process: { pid: number } };
    return record.process.pid;
  }

  async crash({ id }: Instance): Promise<void> {
    process.kill(await this.pid(id), 'SIGKILL');
  }

  /**
   * By a mark in their environment: whatever the platform believes, these are the processes it has started.
   */
  async processes(): Promise<number[]> {
    const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
    const marked = await Promise.all(
      pids.map(async (pid) => {
        const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
        return environment.includes(this.#marker) ? pid : undefined;
      }),
    );
    return marked.filter((pid) => pid !== undefined);
  }

  async leftovers(): Promise<string[]> {
    const files = await readdir(join(this.stateDirectory, 'instances')).catch(() => []);
    return [
      ...(await this.processes()).map((pid) => `process ${pid}`),
      ...(await this.#quotaNames()).map((name) => `quota ${name}`),
      ...files.filter((file) => !file.endsWith('.log')).map((file) => `file ${file}`),
      ...(await readdir(this.stateDirectory)).filter((file) => file !== 'instances'),
    ];
  }

  async until(condition: () => boolean | Promise<boolean>, timeoutMs = 15_000): Promise<void> {
    const giveUpAt = performance.now() + timeoutMs;
    while (!(await condition())) {
      if (performance.now() > giveUpAt)
        throw new Error(`did not happen within ${timeoutMs} ms: ${condition}`);
      await sleep(10);
    }
  }

  finish<T>(promise: Promise<T>): Promise<T> {
    return promise;
  }

  async dispose(): Promise<void> {
    for (const pid of await this.processes()) process.kill(pid, 'SIGKILL');
    for (const name of await this.#quotaNames()) await (await quotas.adopt(name))?.remove();
    await rm(this.stateDirectory, { recursive: true, force: true });
  }

  async #quotaNames(): Promise<string[]> {
    const prefix = quotaPrefix(this.stateDirectory);
    return (await quotas.list()).filter((name) => name.startsWith(prefix));
  }
}
