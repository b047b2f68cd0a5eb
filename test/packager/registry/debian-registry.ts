import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { onTestFinished, type TestContext } from 'vitest';
import { needs } from '../../support/tools.ts';

/**
 * Debian's docker-registry as it is installed by `apt-get install docker-registry`, with storage of its own.
 */
export class DebianRegistry {
  readonly host: string;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #output: { text: string };

  private constructor(
    host: string,
    child: ChildProcessByStdio<null, Readable, Readable>,
    output: { text: string },
  ) {
    this.host = host;
    this.#child = child;
    this.#output = output;
  }

  /**
   * Goes away when the test ends, which is left out where it is not installed.
   *
   * @param settings more of its configuration
   */
  static async start(
    context: TestContext,
    settings: Readonly<Record<string, unknown>> = {},
  ): Promise<DebianRegistry> {
    needs(context, 'docker-registry');
    const folder = await mkdtemp(join(tmpdir(), 'infless-registry-'));
    const config = join(folder, 'config.json');
    const content = {
      version: 0.1,
      log: { level: 'info' },
      storage: { filesystem: { rootdirectory: join(folder, 'storage') }, delete: { enabled: true } },
      http: { addr: '127.0.0.1:0', net: 'tcp' },
      ...settings,
    };
    await writeFile(config, JSON.stringify(content));
    const child = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(async () => {
      child.kill();
      await rm(folder, { recursive: true, force: true });
    });
    const output = { text: '' };
    const host = await new Promise<string>((resolve, reject) => {
      const read = (text: string): void => {
        output.text += text;
        const address = /listening on (127\.0\.0\.1:\d+)/.exec(output.text)?.[1];
        if (address) resolve(address);
      };
      child.stdout.setEncoding('utf8').on('data', read);
      child.stderr.setEncoding('utf8').on('data', read);
      child.once('exit', () => reject(new Error(output.text)));
    });
    return new DebianRegistry(host, child, output);
  }

  /** What was asked of it since the last call, in its own access log: `PUT /v2/m/manifests/v1 201`. */
  async requests(): Promise<string[]> {
    await fetch(`http://${this.host}/end-of-log`).then((response) => response.body?.cancel());
    while (!this.#output.text.includes('/end-of-log HTTP')) await once(this.#child.stdout, 'data');
    const lines = [...this.#output.text.matchAll(/"([A-Z]+) (\S+) HTTP\/1\.1" (\d+)/g)];
    this.#output.text = '';
    return lines
      .map(([, method, path, status]) => `${method} ${path?.replace(/\?.*/, '')} ${status}`)
      .filter((line) => !line.includes('/end-of-log'));
  }
}
