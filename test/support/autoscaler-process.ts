import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FunctionStatus } from '../../autoscaler/gateway/admin/function-status.ts';
import { programFile } from '../../models/base/package.ts';

/** `infless-autoscaler` as a person starts it. */
export class AutoscalerProcess {
  readonly child;
  stderr = '';

  readonly #stateDirectory: string;

  constructor(...args: string[]) {
    const given = args.indexOf('--state-dir');
    this.#stateDirectory = given < 0 ? '' : args[given + 1]!;
    this.child = spawn(process.execPath, [programFile('autoscaler/bin'), ...args], {
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
  }

  async url(): Promise<string> {
    for (;;) {
      const url = /"url":"([^"]+)"/.exec(this.stderr)?.[1];
      if (url !== undefined) return url;
      if (this.child.exitCode !== null) throw new Error(`it ended: ${this.stderr}`);
      await sleep(20);
    }
  }

  async exited(): Promise<number | null> {
    if (this.child.exitCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }

  async declare(declaration: Readonly<Record<string, unknown>>): Promise<void> {
    const body = JSON.stringify(declaration);
    const url = await this.url(); // from then on there is a login
    const headers = { 'content-type': 'application/json', ...(await this.login()) };
    const response = await fetch(`${url}/api/functions`, { method: 'POST', headers, body });
    if (!response.ok) throw new Error(await response.text());
  }

  /** Of its state folder, where it has made one. */
  async login(): Promise<{ readonly authorization?: string }> {
    const file = join(this.#stateDirectory, 'basic-auth-password');
    const password = await readFile(file, 'utf8').catch(() => undefined);
    return password === undefined ? {} : { authorization: `Basic ${btoa(`admin:${password.trim()}`)}` };
  }

  async status(name: string): Promise<FunctionStatus> {
    const response = await fetch(`${await this.url()}/api/functions/${name}`);
    return (await response.json()) as FunctionStatus;
  }

  async ready(name: string): Promise<FunctionStatus> {
    for (;;) {
      const status = await this.status(name);
      if (status.phase === 'ready') return status;
      await sleep(50);
    }
  }
}
