import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { FunctionStatus } from '../../autoscaler/gateway/function-status.ts';
import { programFile } from '../../models/base/package.ts';
import { measuredCache } from './running-service.ts';

let cache: string;
let folder: string;
beforeAll(async () => {
  cache = await measuredCache();
  folder = await mkdtemp(join(tmpdir(), 'infless-cli-'));
}, 60_000);
afterAll(async () => {
  await rm(cache, { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
});

/** `infless-autoscaler` as a person starts it. */
class AutoscalerProcess {
  readonly child;
  stderr = '';

  constructor(...args: string[]) {
    this.child = spawn(process.execPath, [programFile('autoscaler/bin'), ...args], {
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    onTestFinished(() => void this.child.kill('SIGKILL'));
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

  async ready(name: string): Promise<FunctionStatus> {
    for (;;) {
      const response = await fetch(`${await this.url()}/api/functions/${name}`);
      const status = (await response.json()) as FunctionStatus;
      if (status.phase === 'ready') return status;
      await sleep(50);
    }
  }
}

describe('infless-autoscaler', () => {
  it('serves the functions of a file, leaves instances on SIGTERM, adopts them, and stops them on SIGINT', async () => {
    const file = join(folder, 'functions.yaml');
    await writeFile(file, 'functions:\n  - name: digits\n    model: mnist\n    slo: 300ms\n');
    const args = ['--functions', file, '--port', '0', '--state-dir', join(folder, 'state')];

    const first = new AutoscalerProcess(...args);
    const [before] = (await first.ready('digits')).instances;
    first.child.kill('SIGTERM');
    expect(await first.exited()).toBe(0);
    expect((await fetch(`${before!.url}/_/health`)).status).toBe(200);

    const second = new AutoscalerProcess(...args);
    const [adopted] = (await second.ready('digits')).instances;
    expect(adopted?.id).toBe(before!.id);
    second.child.kill('SIGINT');
    expect(await second.exited()).toBe(0);
    await expect(fetch(`${before!.url}/_/health`)).rejects.toThrow();
  });

  it('adopts what a killed predecessor left', async () => {
    const args = ['--port', '0', '--state-dir', join(folder, 'killed')];
    const first = new AutoscalerProcess(...args);
    const declaration = JSON.stringify({ name: 'digits', model: 'mnist', slo: '300ms' });
    await fetch(`${await first.url()}/api/functions`, { method: 'POST', body: declaration });
    const [before] = (await first.ready('digits')).instances;
    first.child.kill('SIGKILL');
    await first.exited();

    const second = new AutoscalerProcess(...args);
    const [adopted] = (await second.ready('digits')).instances;
    expect(adopted?.id).toBe(before!.id);
    second.child.kill('SIGINT');
    await second.exited();
  });

  it('says in one sentence that its port is taken', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    onTestFinished(() => void blocker.close());
    const { port } = blocker.address() as AddressInfo;
    const autoscaler = new AutoscalerProcess('--port', String(port), '--state-dir', join(folder, 'port'));
    expect(await autoscaler.exited()).toBe(3);
    expect(autoscaler.stderr).toBe(
      `error: Port ${port} on 127.0.0.1 is taken. Stop the program that uses it, or choose another with --port.\n`,
    );
  });

  it.each([
    [['--port', 'http'], 2, /Port "http" is not a number/],
    [['--functions', 'missing.yaml'], 2, /Functions file missing\.yaml cannot be read \(ENOENT\)/],
    [['--rate-model', 'luck'], 2, /percentile/],
    [['--cpu', 'lots'], 2, /--cpu "lots" is not an amount of CPU/],
  ])('%j exits with %i', async (args, code, message) => {
    const autoscaler = new AutoscalerProcess('--state-dir', join(folder, 'bad'), '--port', '0', ...args);
    expect(await autoscaler.exited()).toBe(code);
    expect(autoscaler.stderr).toMatch(message);
    expect(autoscaler.stderr).not.toMatch(/\n\s+at /);
  });

  it('names the function and field that a functions file has wrong', async () => {
    const file = join(folder, 'wrong.yaml');
    await writeFile(file, 'functions:\n  - {name: digits, model: mnist, slo: fast}\n');
    const autoscaler = new AutoscalerProcess(
      '--functions',
      file,
      '--port',
      '0',
      '--state-dir',
      join(folder, 'wrong'),
    );
    expect(await autoscaler.exited()).toBe(2);
    expect(autoscaler.stderr).toMatch(
      /Function 1 of .*wrong\.yaml is not valid at "slo": slo|"fast" is not a duration/,
    );
  });
});
