import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callProgram } from '../../../models/base/command-line/program.ts';
import { messageOf } from '../../../models/base/errors.ts';
import type { CapacityReport } from '../../../profiler/endpoint/capacity-report.ts';
import { profileProgram, withEndpointCommand } from '../../../profiler/program.ts';
import { ProgramRun } from '../../support/program-run.ts';
import { serve } from '../load/load-server.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-live-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const program = new ProgramRun('profiler/bin', args);
  const code = await program.exited();
  return { code, stdout: program.stdout, stderr: program.stderr };
}

describe('infless-profile URL', () => {
  it('on Ctrl-C reports what it measured and exits 130', async () => {
    const { url } = await serve((response) => response.end('{}'));
    const file = join(folder, 'body.json');
    await writeFile(file, '{}');
    const program = new ProgramRun('profiler/bin', [
      url,
      '--data',
      file,
      '--slo',
      '20s',
      '--max-rate',
      '5',
      '--json',
    ]);
    program.child.stderr.once('data', () => program.child.kill('SIGINT')); // the idle target is known
    expect(await program.exited()).toBe(130);
    const report = JSON.parse(program.stdout) as CapacityReport;
    expect(report).toMatchObject({ ended: 'cut-short', heldRate: null, idle: { requests: 20 } });
  }, 60_000);

  it.each([
    [
      'nothing that listens',
      ['http://127.0.0.1:1/', '--slo', '1s'],
      3,
      /^error: Nothing answers at http:\/\/127\.0\.0\.1:1 /,
    ],
    ['no SLO', ['URL'], 2, /does not tell its SLO\. Say it, like --slo 200ms\./],
    ['nothing to send', ['URL', '--slo', '1s'], 2, /^error: What to send to .+ is not known\./],
    [
      'a table of a crowd',
      ['URL', '--slo', '1s', '--data', 'package.json', '-o', 'x'],
      2,
      /does not tell its config/,
    ],
    [
      'what is refused',
      ['URL', '--slo', '1s', '--data', 'package.json'],
      2,
      /does not answer what is sent \(status 404\)/,
    ],
  ] as const)('says in a sentence: %s', async (_what, args, exitCode, message) => {
    const { url } = await serve((response) => {
      response.statusCode = 404;
      response.end();
    });
    const { code, stderr } = await run(...args.map((argument) => (argument === 'URL' ? url : argument)));
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(code).toBe(exitCode);
  });

  it('is the command endpoint; other arguments stay as they are', () => {
    const rewritten = (...args: string[]): readonly string[] => withEndpointCommand(args);
    expect(rewritten('--slo', '1s', 'http://a/')).toEqual(['endpoint', '--slo', '1s', 'http://a/']);
    expect(rewritten('endpoint', 'http://a/')).toEqual(['endpoint', 'http://a/']);
    expect(rewritten('mobilenet', '--slo', '1s')).toEqual(['mobilenet', '--slo', '1s']);
  });

  it.each([
    [['--max-rate', '0'], '--max-rate must be above 0'],
    [['--percentile', '100'], '--percentile "100" is not a percentage from 50 to 99.99'],
    [['--header', 'nonsense'], '--header "nonsense" is not a header'],
    [['--data', '/nowhere', '--slo', '1s'], 'Request body /nowhere cannot be read (ENOENT)'],
  ])('refuses %j', async (args, message) => {
    const parsing = callProgram(profileProgram, ['endpoint', 'http://127.0.0.1:1/', ...args]);
    const error = await parsing.catch((reason: unknown) => reason);
    expect(messageOf(error)).toContain(message);
    expect(error).toMatchObject({ code: 'INVALID_INPUT' });
  });
});
