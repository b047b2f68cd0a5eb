import fc from 'fast-check';
import { expect, it } from 'vitest';
import { argument, option, repeatable, toggle } from '../../../../models/base/command-line/option-table.ts';
import { oneOf, text, wholeNumber } from '../../../../models/base/command-line/parsers.ts';
import { cutCommandLine, valuesOf } from '../../../../models/base/command-line/read-options.ts';
import { InflessError } from '../../../../models/base/errors.ts';

const FORMATS = ['json', 'csv', 'text'] as const;
const OPTIONS = {
  model: argument({ argument: '<model>', parse: text, help: 'model' }),
  count: option({
    flag: '-n, --count <n>',
    env: 'T_COUNT',
    parse: wholeNumber(0),
    default: '7',
    help: 'count',
  }),
  name: option({ flag: '--name <text>', parse: text, help: 'name' }),
  format: option({ flag: '--format <f>', parse: oneOf(FORMATS), default: 'json', help: 'format' }),
  include: repeatable({ flag: '--include <x>', parse: text, help: 'more' }),
  quick: toggle({ flag: '-q, --quick', help: 'quick' }),
};

function read(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const line = cutCommandLine({ options: OPTIONS }, args, 'tool');
  return valuesOf({ options: OPTIONS }, line, 'tool', environment);
}

// A value may look like anything: also like an option, or be empty.
const anyText = fc.oneof(fc.string(), fc.constantFrom('', '--count', '-q', '=', 'a=b', '--'));
const values = fc.record({
  model: fc.string().filter((word) => !word.startsWith('-')),
  count: fc.option(fc.nat(), { nil: undefined }),
  name: fc.option(anyText, { nil: undefined }),
  format: fc.option(fc.constantFrom(...FORMATS), { nil: undefined }),
  include: fc.array(anyText, { maxLength: 3 }),
  quick: fc.boolean(),
});

it('what was written is what is read, in whatever order and spelling', () => {
  fc.assert(
    fc.property(values, fc.infiniteStream(fc.nat()), (given, dice) => {
      const draw = (): number => dice.next().value;
      const written = (flag: string, value: string): string[] =>
        draw() % 2 === 0 ? [flag, value] : [`${flag}=${value}`];
      const parts: string[][] = [[given.model]];
      if (given.count !== undefined)
        parts.push(draw() % 2 === 0 ? ['-n', String(given.count)] : written('--count', String(given.count)));
      if (given.name !== undefined) parts.push(written('--name', given.name));
      if (given.format !== undefined) parts.push(written('--format', given.format));
      if (given.quick) parts.push([draw() % 2 === 0 ? '-q' : '--quick']);
      for (let at = parts.length - 1; at > 0; at -= 1) {
        const other = draw() % (at + 1);
        [parts[at], parts[other]] = [parts[other]!, parts[at]!];
      }
      const includes = given.include.map((each) => written('--include', each)); // their order counts
      expect(read([...parts, ...includes].flat())).toEqual({
        ...given,
        count: given.count ?? 7,
        format: given.format ?? 'json',
      });
    }),
  );
});

it('arguments of any kind are read, or refused with exit code 2', () => {
  const words = fc.oneof(
    anyText,
    fc.constantFrom('--name', '--nam', '--format', 'json', '--include', '-n', '-x', 'net'),
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 6 }), anyText, (args, variable) => {
      try {
        read(args, { T_COUNT: variable });
      } catch (error) {
        expect(error).toBeInstanceOf(InflessError);
        expect(error).toMatchObject({ code: 'INVALID_INPUT', exitCode: 2 });
      }
    }),
  );
});
