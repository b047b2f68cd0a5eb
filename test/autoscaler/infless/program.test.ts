import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { inflessProgram } from '../../../autoscaler/infless/program.ts';
import type { ProgramSpec } from '../../../models/base/command-line/option-table.ts';
import { packageVersion, programFile } from '../../../models/base/package.ts';
import { serverProgram } from '../../../packager/server/program.ts';
import { ProgramRun } from '../../support/program-run.ts';

async function infless(...args: string[]) {
  const run = new ProgramRun('autoscaler/infless/bin', args);
  const code = await run.exited();
  return { code, stdout: run.stdout, stderr: run.stderr };
}

describe('infless', () => {
  it('alone shows what can be done', async () => {
    const { code, stdout, stderr } = await infless();
    expect(stdout).toMatch(/^Usage: infless \[options\] \[command\]\n/);
    for (const name of [
      ...['serve', 'profile', 'load', 'pack', 'autoscaler', 'plan', 'explain', 'status', 'top', 'logs'],
      ...['deploy', 'journal', 'replay', 'doctor', 'completion'],
    ])
      expect(stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it.each([
    [['profile'], 'Usage: infless profile [options] [command] <model>'],
    [['profile', 'compare'], 'Usage: infless profile compare [options] <before> <after>'],
    [['load'], 'Usage: infless load [options] <url>'],
    [['pack', 'inspect'], 'Usage: infless pack inspect [options] <image>'],
    [['autoscaler', 'image'], 'Usage: infless autoscaler image [options]'],
    [['plan'], 'Usage: infless plan [options]'],
    [['explain'], 'Usage: infless explain [options] <function>'],
    [['completion'], 'Usage: infless completion [options] <shell>'],
  ])('%j is what its name says', async (command, usage) => {
    const { code, stdout } = await infless(...command, '--help');
    expect(stdout.split('\n')[0]).toBe(usage);
    expect(code).toBe(0);
  });

  it('says what version it is', async () => {
    expect((await infless('--version')).stdout).toBe(`${packageVersion}\n`);
  });

  it.each([
    [['profil'], 'infless has no command "profil". Did you mean profile?'],
    [['profile', '--batchs', '1'], 'infless profile has no option --batchs. Did you mean --batches?'],
    [['profile', 'mobilnet'], 'There is no model "mobilnet". Did you mean mobilenet?'],
    [['autoscaler', 'explian'], 'infless autoscaler has no command "explian". Did you mean explain?'],
    [
      ['load', 'http://x/', '--arrivals', 'poison'],
      '--arrivals "poison" is none of constant, poisson, gamma.',
    ],
    [['pack', 'mnist', '--emit', 'openfass'], 'Did you mean openfaas?'],
    [
      ['plan', ...'-f x -c x --policies infles'.split(' ')],
      'There is no policy "infles". Did you mean infless?',
    ],
    [['explain'], 'infless explain needs <function>: name of the function.'],
  ])('%j: %s', async (args, sentence) => {
    const { code, stdout, stderr } = await infless(...args);
    expect(stderr).toContain(`${sentence}`);
    expect(stderr).toMatch(/^error: .*\n$/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

describe('quickly', () => {
  /** Modules that are loaded: of ours from dist/, of others from node_modules/. */
  function loaded(...args: string[]): readonly string[] {
    const hook = `export async function load(url, context, next) {
      process._rawDebug('loaded ' + url); return next(url, context); }`;
    const register = `import { register } from 'node:module';
      register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(hook))});`;
    const { stderr } = spawnSync(
      process.execPath,
      [
        `--import=data:text/javascript,${encodeURIComponent(register)}`,
        programFile('autoscaler/infless/bin'),
        ...args,
      ],
      { encoding: 'utf8' },
    );
    return [...stderr.matchAll(/^loaded file:.*?(?:\/dist|(\/node_modules))\/(.*)$/gm)].map(
      ([, isForeign, path]) => (isForeign === undefined ? path! : `node_modules/${path}`),
    );
  }

  it('tells what can be done without loading it', () => {
    const modules = loaded('--help');
    const own = /^(?:autoscaler\/infless\/|autoscaler\/commands\.js|models\/base\/)/;
    expect(modules).toContain('autoscaler/infless/program.js');
    expect(modules.filter((path) => !own.test(path))).toEqual(['node_modules/picocolors/picocolors.js']);
  });

  it.each([['profile'], ['load'], ['pack'], ['autoscaler'], ['plan'], ['explain']])(
    'tells what %s takes without loading what that does',
    (command) => {
      const heavy =
        /onnxruntime|undici|fastify|client-node|fast-xml|yaml|\/(?:serve|pack-image|what-if)\.js$/;
      const modules = loaded(command, '--help');
      expect(modules.length).toBeGreaterThan(10);
      expect(modules.filter((path) => heavy.test(path))).toEqual([]);
    },
  );
});

describe('every program and command', async () => {
  const all = await below(inflessProgram);

  it('is listed by the sentence that it has itself', async () => {
    for (const { commands = [] } of all)
      for (const { name, summary, load } of commands)
        expect([name, summary]).toEqual([name, (await load()).summary]);
  });

  it.each([...all, serverProgram].map((spec) => [spec.name, spec] as const))(
    '%s has a table without slips',
    (_, { options }) => {
      const rows = Object.values(options);
      for (const names of [
        rows.flatMap(({ flag }) => flag?.match(/-{1,2}\w[\w-]*/g) ?? []),
        rows.flatMap(({ env }) => env ?? []),
        rows.flatMap(({ key }) => key ?? []),
      ]) {
        expect(new Set(names).size).toBe(names.length);
        for (const taken of ['-h', '--help', '--version']) expect(names).not.toContain(taken);
      }
      for (const row of rows) {
        expect(row.help).not.toMatch(/[.\s]$/);
        // A default goes through the same parser as what a person writes.
        if (row.default !== undefined) expect(() => row.collect([])).not.toThrow();
      }
    },
  );
});

async function below(spec: ProgramSpec): Promise<readonly ProgramSpec[]> {
  const found = [spec];
  for (const { load } of spec.commands ?? []) found.push(...(await below(await load())));
  return [...new Map(found.map((each) => [each.options, each])).values()];
}
