import { describe, expect, it } from 'vitest';
import { renderHelp } from '../../../../models/base/command-line/help.ts';
import {
  argument,
  defineProgram,
  type FileValues,
  negatableOption,
  option,
  optionalValue,
  remainingArguments,
  repeatable,
  toggle,
} from '../../../../models/base/command-line/option-table.ts';
import {
  decimal,
  file,
  folder,
  oneOf,
  text,
  wholeNumber,
} from '../../../../models/base/command-line/parsers.ts';
import { cutCommandLine, valuesOf } from '../../../../models/base/command-line/read-options.ts';
import { parseDurationMs } from '../../../../models/base/units.ts';

const OPTIONS = {
  model: argument({ argument: '<model>', parse: text, help: 'a model file' }),
  batch: option({
    flag: '-b, --batch <rows>',
    env: 'T_BATCH',
    key: 'batch',
    parse: wholeNumber(1, 64),
    default: '8',
    help: 'largest batch',
  }),
  slo: option({ flag: '--slo <duration>', key: 'slo', parse: parseDurationMs, help: 'latency target' }),
  share: option({ flag: '--share <n>', parse: decimal(0, 1), otherwise: 'all', help: 'share' }),
  format: option({
    flag: '--format <format>',
    parse: oneOf(['json', 'csv']),
    default: 'json',
    help: 'format',
  }),
  include: repeatable({
    flag: '--include <file>',
    key: 'include',
    parse: file,
    addsToFile: true,
    help: 'another file',
  }),
  library: repeatable({ flag: '--library <folder>', key: 'library', parse: folder, help: 'where to look' }),
  platform: option({ flag: '--platform <list>', key: 'platforms', parse: text, help: 'platforms' }),
  profile: negatableOption({
    flag: '--profile <file>',
    key: 'profile',
    parse: file,
    negation: 'none',
    help: 'table',
  }),
  json: optionalValue({ flag: '--json [file]', parse: file, help: 'as JSON' }),
  quick: toggle({ flag: '--quick', help: 'coarse' }),
  gpu: toggle({ flag: '--no-gpu', help: 'leave the GPU alone' }),
  secret: option({
    flag: '--secret <text>',
    env: 'T_SECRET',
    emptyEnv: 'given',
    parse: text,
    help: 'secret',
  }),
  port: option({ env: 'T_PORT', parse: wholeNumber(0, 65_535), default: () => String(8080), help: 'port' }),
};

const PROGRAM = defineProgram({ name: 'tool', summary: 'Does something.', options: OPTIONS, run: () => {} });

function read(args: readonly string[], environment: NodeJS.ProcessEnv = {}, values?: FileValues['values']) {
  const source = values === undefined ? undefined : { file: 'tool.yaml', values };
  return valuesOf(PROGRAM, cutCommandLine(PROGRAM, args, 'tool'), 'tool', environment, source);
}

describe('values', () => {
  it('are the defaults where nothing is given', () => {
    expect(read(['net'])).toEqual({
      model: 'net',
      batch: 8,
      slo: undefined,
      share: undefined,
      format: 'json',
      include: [],
      library: [],
      platform: undefined,
      profile: undefined,
      json: undefined,
      quick: false,
      gpu: true,
      secret: undefined,
      port: 8080,
    });
  });

  it('come from the command line before the environment, the file and the defaults', () => {
    const environment = { T_BATCH: '4' };
    const inFile = { batch: 2 };
    expect(read(['net', '-b', '16'], environment, inFile).batch).toBe(16);
    expect(read(['net'], environment, inFile).batch).toBe(4);
    expect(read(['net'], { T_BATCH: '' }, inFile).batch).toBe(2);
    expect(read(['net'], {}, {}).batch).toBe(8);
  });

  it('of a file: texts, numbers, lists, false; a list is replaced by the command line, or added to', () => {
    const inFile = {
      slo: '80ms',
      include: ['a', 'b'],
      library: ['x'],
      platforms: ['x', 'y'],
      profile: false,
    };
    expect(read(['net', '--include', 'c', '--library', 'y', '--library', 'z'], {}, inFile)).toMatchObject({
      slo: 80,
      include: ['a', 'b', 'c'],
      library: ['y', 'z'],
      platform: 'x,y',
      profile: false,
    });
    expect(read(['net', '--profile', 't.json'], {}, inFile).profile).toBe('t.json');
  });

  it.each([
    [['net', '--json', 'f'], { json: 'f' }, 'the word after it is its value'],
    [['net', '--json', '--quick'], { json: true, quick: true }, 'but no option'],
    [['net', '--json=f', '--slo=1s'], { json: 'f', slo: 1000 }, 'with ='],
    [['net', '-b4', '--no-gpu', '--no-profile'], { batch: 4, gpu: false, profile: false }, 'short, negated'],
    [['net', '--quick', '--batch', '1', '--batch', '2'], { batch: 2, quick: true }, 'the last one counts'],
    [['--', '--quick'], { model: '--quick', quick: false }, '-- ends the options'],
  ] satisfies [string[], object, string][])('%j is %j: %s', (args, values, _why) => {
    expect(read(args)).toMatchObject(values);
  });

  it('an empty variable is a value where the table says so', () => {
    expect(read(['net'], { T_SECRET: '' }).secret).toBe('');
  });

  it('of remaining arguments', () => {
    const some = { files: remainingArguments({ argument: '<files...>', parse: text, help: 'files' }) };
    const any = { files: remainingArguments({ argument: '[files...]', parse: text, help: 'files' }) };
    const filesOf = (options: typeof some, ...positionals: string[]) =>
      valuesOf({ options }, { given: new Map(), positionals }, 'tool').files;
    expect(filesOf(some, 'a', 'b')).toEqual(['a', 'b']);
    expect(filesOf(any)).toEqual([]);
    expect(() => filesOf(some)).toThrow('tool needs <files...>');
  });
});

describe('what is wrong is said in one sentence', () => {
  it.each([
    [[], 'tool needs <model>: a model file.'],
    [['a', 'b'], '"b" is one argument too many for tool. tool --help shows what it takes.'],
    [['net', '--bach', '3'], 'tool has no option --bach. Did you mean --batch?'],
    [['net', '--zzz'], 'tool has no option --zzz. tool --help lists its options.'],
    [['net', '--vers'], 'tool has no option --vers. Did you mean --version?'],
    [['net', '--slo'], '--slo needs a value. Write it like --slo <duration>.'],
    [['net', '--quick=yes'], '--quick takes no value, but was given "yes".'],
    [['net', '--batch', '65'], '--batch "65" is not a whole number from 1 to 64.'],
    [['net', '-b', 'x'], '--batch "x" is not a whole number from 1 to 64.'],
    [['net', '--share', '2'], '--share "2" is not a number from 0 to 1.'],
    [['net', '--format', 'jsno'], '--format "jsno" is none of json, csv. Did you mean json?'],
    [['net', '--format', 'xml'], '--format "xml" is none of json, csv.'],
  ])('%j: %s', (args, sentence) => {
    expect(() => read(args)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT', sentence }));
  });

  it.each([
    [{ T_BATCH: 'x' }, undefined, 'T_BATCH "x" is not a whole number from 1 to 64.'],
    [{ T_PORT: '70000' }, undefined, 'T_PORT "70000" is not a whole number from 0 to 65535.'],
    [{}, { batch: 0 }, '"batch" in tool.yaml "0" is not a whole number from 1 to 64.'],
    [{}, { slo: 1.1 }, '"slo" in tool.yaml "1.1" is not a duration'],
    [{}, { platforms: 1.1 }, '"platforms" in tool.yaml must be a text, not 1.1. Put it in quotes.'],
    [{}, { include: [['a']] }, '"include" in tool.yaml must be a text, not ["a"].'],
    [{}, { bacth: 1 }, 'tool.yaml has a key "bacth", which is no option. Did you mean batch?'],
    [{}, { nothing: 1 }, 'tool.yaml has a key "nothing", which is no option. It may hold batch, slo, '],
  ])('environment %j, file %j: %s', (environment, inFile, sentence) => {
    expect(() => read(['net'], environment, inFile)).toThrow(
      expect.objectContaining({ sentence: expect.stringContaining(sentence) }),
    );
  });
});

describe('help', () => {
  it('is that of the table', () => {
    const command = { name: 'look', summary: 'Look at it.', load: async () => PROGRAM };
    expect(
      renderHelp({ ...PROGRAM, commands: [command], notes: 'Example.' }, 'a tool', 76),
    ).toMatchInlineSnapshot(`
      "Usage: a tool [options] [command] <model>

      Does something.

      Arguments:
        <model>                 a model file

      Options:
        -b, --batch <rows>      largest batch (default: 8; env: T_BATCH)
            --slo <duration>    latency target
            --share <n>         share (default: all)
            --format <format>   format (one of json, csv; default: json)
            --include <file>    another file (repeatable)
            --library <folder>  where to look (repeatable)
            --platform <list>   platforms
            --profile <file>    table
            --no-profile        none
            --json [file]       as JSON
            --quick             coarse
            --no-gpu            leave the GPU alone
            --secret <text>     secret (env: T_SECRET)
        -h, --help              print this help
            --version           print the version

      Environment:
        T_PORT                  port (default: 8080)

      Commands:
        look                    Look at it.

      Example.
      "
    `);
  });

  it('is asked for before anything else is looked at', () => {
    expect(cutCommandLine(PROGRAM, ['--wrong', '-h'], 'tool').wantsHelp).toBe(true);
    expect(cutCommandLine(PROGRAM, ['--version'], 'tool').wantsVersion).toBe(true);
    expect(cutCommandLine(PROGRAM, ['--', '-h'], 'tool').wantsHelp).toBe(false);
  });
});
