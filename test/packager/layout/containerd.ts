import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished, type TestContext } from 'vitest';
import { needs, needsRoot, runTool } from '../../support/tools.ts';

const PATIENCE_MS = 30_000;

/** A containerd of its own, with nothing in it, that ends with the test. */
export class Containerd {
  readonly #address: string;
  readonly #process: ChildProcess;
  #log = '';

  private constructor(folder: string, config: string) {
    this.#address = join(folder, 'containerd.sock');
    this.#process = spawn('containerd', ['--config', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
  }

  /** Leaves the test out, saying why, where it cannot run. */
  static async start(context: TestContext, folder: string): Promise<Containerd> {
    needs(context, 'containerd', 'ctr');
    needsRoot(context);
    const config = join(folder, 'containerd.toml');
    await writeFile(config, configOf(folder));
    const containerd = new Containerd(folder, config);
    onTestFinished(() => containerd.#stop());
    if (!(await containerd.#answers())) context.skip(`containerd cannot run here: ${containerd.#log}`);
    return containerd;
  }

  ctr(...args: readonly string[]): string {
    return runTool('ctr', '--address', this.#address, ...args);
  }

  async #answers(): Promise<boolean> {
    const fromMs = performance.now();
    while (this.#process.exitCode === null && performance.now() - fromMs < PATIENCE_MS) {
      const { status } = spawnSync('ctr', ['--address', this.#address, 'version'], { stdio: 'ignore' });
      if (status === 0) return true;
      await sleep(50);
    }
    return false;
  }

  async #stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const closed = once(this.#process, 'close');
    this.#process.kill();
    await closed;
  }
}

/** Without what it does for Kubernetes, which wants a network. */
function configOf(folder: string): string {
  return `
version = 2
root = "${join(folder, 'root')}"
state = "${join(folder, 'state')}"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
  address = "${join(folder, 'containerd.sock')}"
`;
}
