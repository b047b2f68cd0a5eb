import { defaultText } from './help.ts';
import { negationOf, type OptionSpec, type Options, type ProgramSpec } from './option-table.ts';

/** A program or command with the names that people call it by. */
export interface ReferenceEntry {
  readonly spec: ProgramSpec;
  /** `infless-profile compare` first, then what else it is called. */
  readonly names: readonly string[];
}

interface Column {
  readonly heading: string;
  readonly cell: (option: OptionSpec) => string;
}

const COLUMNS: readonly Column[] = [
  { heading: 'Option', cell: (option) => code(option.argument ?? option.flag) + negated(option) },
  { heading: 'Variable', cell: ({ env }) => code(env) },
  { heading: 'Key', cell: ({ key }) => code(key) },
  {
    heading: 'Default',
    cell: (option) => (option.isRequired ? 'required' : inCell(defaultText(option) ?? '')),
  },
  { heading: 'Meaning', cell: meaningOf },
];

/**
 * The options of programs and all their commands as Markdown: one section each, one table a group of options.
 */
export async function renderReference(entries: readonly ReferenceEntry[]): Promise<string> {
  const sections: string[] = [];
  for (const entry of entries) sections.push(...(await sectionsOf(entry, 2)));
  return sections.join('\n\n');
}

/**
 * Options as a table, without the columns that none of them fills.
 *
 * @param hasFile whether their keys can be given in a file
 */
export function optionsTable(options: readonly OptionSpec[], hasFile = false): string {
  const known = COLUMNS.filter(({ heading }) => heading !== 'Key' || hasFile);
  const columns = known.filter(({ cell }) => options.some((option) => cell(option) !== ''));
  const rows = [
    columns.map(({ heading }) => heading),
    columns.map(() => '---'),
    ...options.map((option) => columns.map(({ cell }) => cell(option))),
  ];
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

async function sectionsOf({ spec, names }: ReferenceEntry, level: number): Promise<string[]> {
  const [name, ...others] = names;
  const also = others.length === 0 ? '' : ` Also: ${others.map(code).join(', ')}.`;
  const groups = groupsOf(spec.options);
  const tables = [...groups].map(([group, options]) => {
    const heading = group === undefined ? [] : [`**${group}**`];
    return [...heading, optionsTable(options, spec.file !== undefined)].join('\n\n');
  });
  const file =
    spec.file === undefined
      ? []
      : [`Keys are those of \`${spec.file.name}\`. The command line wins over them.`];
  const sections = [
    [`${'#'.repeat(level)} ${name}`, `${spec.summary}${also}`, ...file, ...tables].join('\n\n'),
  ];
  for (const command of spec.commands ?? []) {
    const below = { spec: await command.load(), names: names.map((each) => `${each} ${command.name}`) };
    sections.push(...(await sectionsOf(below, level + 1)));
  }
  return sections;
}

function groupsOf(options: Options): Map<string | undefined, OptionSpec[]> {
  const groups = new Map<string | undefined, OptionSpec[]>([[undefined, []]]);
  for (const option of Object.values(options)) {
    if (option.isHidden) continue;
    groups.set(option.group, [...(groups.get(option.group) ?? []), option]);
  }
  if (groups.get(undefined)!.length === 0) groups.delete(undefined);
  return groups;
}

function meaningOf({ help, parse, isRepeatable, argument }: OptionSpec): string {
  const sentence = inCell(`${help[0]!.toUpperCase()}${help.slice(1)}${help.endsWith('…') ? '' : '.'}`);
  const choices = parse?.choices;
  return [
    sentence,
    ...(choices === undefined ? [] : [`One of ${choices.map(code).join(', ')}.`]),
    ...(isRepeatable && argument === undefined ? ['May be repeated.'] : []),
  ].join(' ');
}

function negated(option: OptionSpec): string {
  const negation = negationOf(option);
  return negation === undefined ? '' : `, ${code(negation)}`;
}

function code(text: string | undefined): string {
  return text === undefined ? '' : `\`${text}\``;
}

/** As text in a cell of a table. */
function inCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '\\<').replaceAll('*', '\\*');
}
