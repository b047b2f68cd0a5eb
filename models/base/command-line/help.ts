import { flagParts, isPositional, negationOf, type OptionSpec, type ProgramSpec } from './option-table.ts';

export const DEFAULT_WIDTH = 80;
const LEAST_TEXT_WIDTH = 40;
const STANDARD_GROUP = 'Options';

/** A term and what it means. */
type Line = readonly [term: string, meaning: string];

/**
 * What `--help` prints.
 *
 * @param command how the program was called: `infless-profile report`, `infless profile report`
 * @param width of the terminal, in columns
 */
export function renderHelp(spec: ProgramSpec, command: string = spec.name, width = DEFAULT_WIDTH): string {
  const options = Object.values(spec.options);
  const positionals = options.filter(isPositional);
  const groups = new Map<string, readonly Line[]>();
  const indent = options.some(({ flag }) => flag?.startsWith('--') === false) ? '    ' : '';
  const add = (heading: string, ...lines: readonly Line[]): void =>
    void groups.set(heading, [...(groups.get(heading) ?? []), ...lines]);
  for (const option of options)
    if (option.flag !== undefined && !option.isHidden)
      add(option.group ?? STANDARD_GROUP, ...flagLines(option, indent));
  add(STANDARD_GROUP, ['-h, --help', 'print this help'], [`${indent}--version`, 'print the version']);
  const commands = new Map<string, Line[]>();
  for (const { name, summary, group = 'Commands' } of spec.commands ?? [])
    commands.set(group, [...(commands.get(group) ?? []), [name, summary]]);
  const sections: [string, readonly Line[]][] = [
    ['Arguments', positionals.map((each): Line => [each.argument, each.help])],
    ...(spec.run === undefined ? commands : []),
    ...groups,
    ['Environment', options.flatMap((each) => (isFromEnvironment(each) ? [environmentLine(each)] : []))],
    ...(spec.run === undefined ? [] : commands),
  ];
  const shown = sections.filter(([, lines]) => lines.length > 0);
  const column = Math.max(...shown.flatMap(([, lines]) => lines.map(([term]) => term.length))) + 4;
  const usage = [
    ...[command, '[options]', ...(spec.commands === undefined ? [] : ['[command]'])],
    ...positionals.map((each) => each.argument),
  ];
  return [
    `Usage: ${usage.join(' ')}`,
    wrap(spec.summary, width, 0),
    ...shown.map(([heading, lines]) => `${heading}:\n${table(lines, column, width)}`),
    ...(spec.notes === undefined ? [] : [spec.notes.trim()]),
  ]
    .join('\n\n')
    .concat('\n');
}

/** What happens where an option is not given, in words; undefined where that says nothing. */
export function defaultText({ default: value, otherwise }: OptionSpec): string | undefined {
  return otherwise ?? (typeof value === 'function' ? value() : value);
}

function flagLines(option: OptionSpec, indent: string): Line[] {
  const negation = negationOf(option);
  const isShort = flagParts(option.flag!).short !== undefined;
  return [
    [`${isShort ? '' : indent}${option.flag}`, meaningOf(option)],
    ...(negation === undefined ? [] : [[`${indent}${negation}`, option.negation!] as const]),
  ];
}

function environmentLine(option: OptionSpec): Line {
  return [option.env!, meaningOf(option)];
}

function isFromEnvironment({ flag, env }: OptionSpec): boolean {
  return flag === undefined && env !== undefined;
}

function meaningOf(option: OptionSpec): string {
  const { help, flag, parse, env, isRepeatable, isRequired, argument } = option;
  const value = defaultText(option);
  const facts = [
    ...(isRequired && argument === undefined ? ['required'] : []),
    ...(parse?.choices === undefined ? [] : [`one of ${parse.choices.join(', ')}`]),
    ...(value === undefined ? [] : [`default: ${value}`]),
    ...(env === undefined || flag === undefined ? [] : [`env: ${env}`]),
    ...(isRepeatable && argument === undefined ? ['repeatable'] : []),
  ];
  return facts.length === 0 ? help : `${help} (${facts.join('; ')})`;
}

function table(lines: readonly Line[], column: number, width: number): string {
  return lines
    .map(([term, meaning]) => `  ${term.padEnd(column - 2)}${wrap(meaning, width, column)}`)
    .join('\n');
}

/** Breaks a text at spaces; lines after the first are indented. */
function wrap(text: string, width: number, indent: number): string {
  const most = Math.max(width - indent, LEAST_TEXT_WIDTH);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > most) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`);
}
