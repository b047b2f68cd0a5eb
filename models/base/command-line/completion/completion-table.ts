import {
  flagParts,
  isPositional,
  negationOf,
  type OptionSpec,
  type Parser,
  type ProgramSpec,
} from '../option-table.ts';

/** What a shell offers at a place. */
export interface Offer {
  readonly words: readonly string[];
  readonly paths?: 'file' | 'folder';
}

export interface CompletedFlag {
  /** `-o`, `--output` */
  readonly names: readonly string[];
  readonly help: string;
  /** Undefined where it takes no value. */
  readonly value?: Offer;
}

/** One program or command, as shells know it. */
export interface CompletedCommand {
  /** The same for all names by which it can be called. */
  readonly id: string;
  readonly flags: readonly CompletedFlag[];
  readonly commands: readonly { readonly name: string; readonly help: string; readonly id: string }[];
  readonly positional: Offer;
}

export interface CompletionTable {
  /** The programs; each is the id of its command. */
  readonly programs: readonly string[];
  readonly commands: readonly CompletedCommand[];
}

const NOTHING: Offer = { words: [] };
const STANDARD_FLAGS: readonly CompletedFlag[] = [
  { names: ['-h', '--help'], help: 'print this help' },
  { names: ['--version'], help: 'print the version' },
];

/**
 * All that shells need to know of some programs; loads the tables of all their commands.
 *
 * @param programs those whose commands others share come first
 */
export async function completionTable(programs: readonly ProgramSpec[]): Promise<CompletionTable> {
  const ids = new Map<ProgramSpec, string>();
  const commands: CompletedCommand[] = [];
  const add = async (spec: ProgramSpec, id: string): Promise<string> => {
    const known = ids.get(spec);
    if (known !== undefined) return known;
    ids.set(spec, id);
    const below = [];
    for (const { name, summary, load } of spec.commands ?? [])
      below.push({ name, help: summary, id: await add(await load(), `${id}/${name}`) });
    commands.push({ id, ...optionsOf(spec), commands: below });
    return id;
  };
  for (const program of programs) await add(program, program.name);
  return { programs: programs.map(({ name }) => name), commands };
}

function optionsOf({ options }: ProgramSpec): Pick<CompletedCommand, 'flags' | 'positional'> {
  const all = Object.values(options).filter(({ isHidden }) => !isHidden);
  const offers = all.filter(isPositional).map(({ parse }) => offerOf(parse));
  return {
    flags: [...all.flatMap(flagsOf), ...STANDARD_FLAGS],
    positional: offers.find(({ words, paths }) => words.length > 0 || paths !== undefined) ?? NOTHING,
  };
}

function flagsOf(option: OptionSpec): CompletedFlag[] {
  if (option.flag === undefined) return [];
  const { short, long } = flagParts(option.flag);
  const negation = negationOf(option);
  return [
    {
      names: [...(short === undefined ? [] : [short]), long],
      help: option.help,
      ...(option.takes !== 'nothing' && { value: offerOf(option.parse) }),
    },
    ...(negation === undefined ? [] : [{ names: [negation], help: option.negation! }]),
  ];
}

function offerOf({ choices, suggests, completes }: Partial<Parser<unknown>> = {}): Offer {
  const words = choices ?? suggests ?? [];
  return completes === undefined ? { words } : { words, paths: completes };
}
