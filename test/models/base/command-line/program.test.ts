import { describe, expect, it, vi } from 'vitest';
import {
  argument,
  defineProgram,
  type Invocation,
  option,
  type ProgramSpec,
} from '../../../../models/base/command-line/option-table.ts';
import { text, wholeNumber } from '../../../../models/base/command-line/parsers.ts';
import { callProgram } from '../../../../models/base/command-line/program.ts';
import { InflessError } from '../../../../models/base/errors.ts';
import { ProgramRun } from '../../../support/program-run.ts';

it('ends quietly when nobody reads its output any more', async () => {
  const run = new ProgramRun('packager/bin', ['--help']);
  run.child.stdout.destroy(); // as `… --help | true` does
  expect(await run.exited()).toBe(0);
  expect(run.stderr).toBe('');
});

describe('a program with commands', () => {
  const calls: [string, unknown, Invocation][] = [];
  const look = defineProgram({
    name: 'look',
    summary: 'Look.',
    options: { far: option({ flag: '--far <n>', parse: wholeNumber(0), default: '1', help: 'how far' }) },
    run: (values, invocation) => void calls.push(['look', values, invocation]),
  });
  const take = defineProgram({
    name: 'take',
    summary: 'Take a model.',
    options: { model: argument({ argument: '<model>', parse: text, help: 'a model' }) },
    commands: [{ name: 'look', summary: 'Look.', load: async () => look }],
    redirect: (args) => (args.includes('far') ? ['look', '--far', '9'] : args),
    run: ({ model }) => {
      throw new InflessError('MODEL_NOT_FOUND', `No ${model}`, { remedy: 'Give another.' });
    },
  });
  const load = vi.fn(async () => take);
  const root: ProgramSpec = {
    name: 'root',
    summary: 'All.',
    options: {},
    commands: [{ name: 'take', summary: 'Take a model.', load }],
  };

  async function output(...args: string[]): Promise<string> {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      await callProgram(root, args);
      return write.mock.calls.map(([chunk]) => String(chunk)).join('');
    } finally {
      write.mockRestore();
    }
  }

  it('loads only the one that is called, and tells it how it was', async () => {
    expect(await output()).toMatch(/^Usage: root \[options\] \[command\]\n/);
    expect(load).not.toHaveBeenCalled();
    await callProgram(root, ['take', 'look', '--far', '3']);
    expect(calls).toEqual([['look', { far: 3 }, { command: 'root take look', args: ['--far', '3'] }]]);
    await callProgram(root, ['take', 'far']);
    expect(calls.at(-1)).toMatchObject(['look', { far: 9 }, {}]);
  });

  it('helps at every level', async () => {
    expect(await output('take', 'look', '--help')).toMatch(/^Usage: root take look \[options\]\n/);
    expect(await output('help', 'take')).toMatch(/^Usage: root take \[options\] \[command\] <model>\n/);
    expect(await output('help', 'take', 'look')).toMatch(/^Usage: root take look \[options\]\n/);
    expect(await output('help')).toMatch(/^Usage: root /);
    expect(await output('take', '--version')).toMatch(/^\d+\.\d+\.\d+/);
  });

  it.each([
    [['tkae'], 'root has no command "tkae". Did you mean take?'],
    [['help', 'tak'], 'root has no command "tak". Did you mean take?'],
    [['something'], 'root has no command "something". Its commands are take.'],
    [['take', 'loook', 'x'], 'root take has no command "loook". Did you mean look?'],
    [['take', 'loook'], 'No loook. Give another. Or did you mean the command look?'],
    [
      ['take', '--', 'look', 'x'],
      '"look" is a command of root take, and comes first. Write root take look, then its options.',
    ],
    [['take', 'net'], 'No net. Give another.'],
    [['take', 'look', '--fra', '1'], 'root take look has no option --fra. Did you mean --far?'],
  ])('%j: %s', async (args, sentence) => {
    await expect(callProgram(root, args)).rejects.toMatchObject({ sentence, exitCode: 2 });
  });
});
