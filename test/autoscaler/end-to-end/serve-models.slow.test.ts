import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProgramRun } from '../../support/program-run.ts';
import { encodeTinyModel, LINEAR } from '../../support/tiny-models.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-serve-models-'));
  process.env.INFLESS_CACHE_DIR = join(folder, 'cache');
  process.env.XDG_STATE_HOME = join(folder, 'state');
  await writeFile(join(folder, 'mine.onnx'), encodeTinyModel(LINEAR));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

async function serving(run: ProgramRun): Promise<void> {
  while (!/^Serving .*(Ctrl-C|\nCtrl-C)/ms.test(run.stdout)) {
    if (run.child.exitCode !== null) throw new Error(run.stderr);
    await sleep(50);
  }
}

describe('infless serve', () => {
  it('goes from a file to an answer by the line that it prints', async () => {
    const run = new ProgramRun('autoscaler/infless/bin', [
      ...['serve', join(folder, 'mine.onnx'), 'mnist', '--slo', '500ms', '--port', '0', '--measure', '12s'],
    ]);
    await serving(run);
    expect(run.stdout).toContain('mine: no table of this machine yet, measuring for at most 12.0 s\n');
    expect(run.stdout).toMatch(/^mine: coarse: \d+ of 8 cells measured in /m);
    const calls = run.stdout.match(/^ {2}curl .*$/gm)!;
    expect(calls).toHaveLength(2);
    for (const call of calls) {
      const { stdout } = await promisify(execFile)('sh', ['-c', call]);
      expect(JSON.parse(stdout)).toEqual({ predictions: [expect.any(Array)] });
    }
    const url = /on (http:\S+),/.exec(run.stdout)![1]!;
    const infless = async (...args: string[]): Promise<string> => {
      const other = new ProgramRun('autoscaler/infless/bin', [...args, '--url', url]);
      expect([args, await other.exited(), other.stderr]).toEqual([args, 0, '']);
      return other.stdout;
    };
    expect(await infless('status')).toMatch(/mine +│ ready +│/);
    expect(JSON.parse(await infless('status', '--json', '--function', 'mine')).functions).toHaveLength(1);
    expect(await infless('logs', 'mine', '--tail', '2')).toMatch(/^\d\d:\d\d:\d\d mine-\S+ /);
    // what is left of the cores beside two functions is the machine's matter: the planner's answer is shown
    expect(await infless('deploy', 'digits', '--model', 'mnist', '--slo', '1s', '--dry-run')).toMatch(
      /^It gets (1 × b\d+ c[\d.]+|nothing\.\n1 × b\d+ c[\d.]+ would be cheapest)/m,
    );
    expect(await infless('status')).not.toContain('digits');
    expect(await infless('deploy', 'digits', '--model', 'mnist', '--slo', '1s')).toContain(
      `${url}/function/digits\n`,
    );
    const page = await fetch(`${url}/api/ui/events`); // which must not keep it from ending
    run.child.kill('SIGINT');
    expect(await run.exited()).toBe(0);
    await page.body!.cancel();

    const journal = new ProgramRun('autoscaler/infless/bin', ['journal', '--function', 'mine']);
    expect(await journal.exited()).toBe(0);
    expect(journal.stdout).toMatch(/^[\d:]+ \S+ mine: 0 → 1 × b\d c[\d.]+: /m);
    const explained = new ProgramRun('autoscaler/infless/bin', ['explain', 'mine', '--at', '23:59']);
    expect([0, 2]).toContain(await explained.exited()); // yesterday's 23:59 is before all
    const replay = new ProgramRun('autoscaler/infless/bin', [
      'replay',
      join(folder, 'state', 'infless', 'journal'),
    ]);
    expect(await replay.exited()).toBe(0);
    expect(replay.stdout).toMatch(/^\d+ decisions made again in .*: \d+ the same, 0 others\n$/);
  }, 120_000);

  it('knows its tables the next time, and serves alone when asked to', async () => {
    const run = new ProgramRun('autoscaler/infless/bin', [
      ...['serve', join(folder, 'mine.onnx'), '--single', '--port', String(await freePort())],
    ]);
    await serving(run);
    const url = /POST (\S+):predict/.exec(run.stdout)![1]!;
    const status = () =>
      fetch(`${url}/metadata`)
        .then((answer) => answer.status)
        .catch(() => 0);
    while ((await status()) !== 200) await sleep(50);
    run.child.kill('SIGINT');
    expect(await run.exited()).toBe(0);
  }, 30_000);

  it('refuses several models for one process', async () => {
    const run = new ProgramRun('autoscaler/infless/bin', ['serve', 'mnist', 'mobilenet', '--single']);
    expect(await run.exited()).toBe(2);
    expect(run.stderr).toContain('--single serves one model, and mnist mobilenet are several');
  }, 60_000);
});
