import { parseArgs } from 'node:util';
import { InflessError } from '../errors.ts';
import { didYouMean } from './nearest.ts';
import {
  type FileValues,
  flagParts,
  type Given,
  isPositional,
  nameOf,
  negationOf,
  type OptionSpec,
  type Options,
  type ProgramSpec,
  type Values,
} from './option-table.ts';

/** A command line, cut into what each option was given. */
export interface CommandLine {
  readonly wantsHelp: boolean;
  readonly wantsVersion: boolean;
  readonly given: ReadonlyMap<OptionSpec, readonly Given[]>;
  readonly positionals: readonly string[];
}

interface Flag {
  readonly spec: OptionSpec;
  /** Of `--no-…`, of a value option. */
  readonly isNegation: boolean;
}

/**
 * Cuts arguments into options and positional arguments; `--` ends the options.
 *
 * @param command how messages call the program
 * @throws InflessError INVALID_INPUT for an option that there is not, or one without its value
 */
export function cutCommandLine(
  spec: Pick<ProgramSpec, 'options'>,
  args: readonly string[],
  command: string,
): CommandLine {
  const flags = flagsOf(spec.options);
  const { tokens } = parseArgs({
    args: [...args],
    options: { ...configOf(flags), help: { type: 'boolean', short: 'h' }, version: { type: 'boolean' } },
    strict: false,
    tokens: true,
  });
  const names = new Set(tokens.flatMap((token) => (token.kind === 'option' ? [token.name] : [])));
  const given = new Map<OptionSpec, Given[]>();
  const positionals: string[] = [];
  const wantsHelp = names.has('help');
  const wantsVersion = names.has('version') && !flags.has('--version');
  if (wantsHelp || wantsVersion) return { wantsHelp, wantsVersion, given, positionals };

  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at]!;
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const flag = flags.get(`--${token.name}`);
    if (flag === undefined) throw unknownOption(token.rawName, flags.keys(), command);
    const { spec: row } = flag;
    let value: string | boolean | undefined = token.value;
    if (row.takes === 'nothing' || flag.isNegation) {
      if (value !== undefined)
        throw new InflessError('INVALID_INPUT', `${token.rawName} takes no value, but was given "${value}"`);
      value = !flag.isNegation;
    } else if (value === undefined) {
      const next = tokens[at + 1];
      const hasValue =
        row.takes === 'optional value' && next?.kind === 'positional' && next.index === token.index + 1;
      if (hasValue) at += 1;
      else if (row.takes === 'value') throw withoutValue(token.rawName, row);
      value = hasValue ? next.value : true;
    }
    given.set(row, [...(given.get(row) ?? []), { text: value, name: `--${token.name}` }]);
  }
  return { wantsHelp, wantsVersion, given, positionals };
}

/**
 * The values of a program's options: those of the command line before those of the environment, before those
 * of the file, before the defaults.
 *
 * @throws InflessError INVALID_INPUT naming what is missing or wrong, where it was given
 */
export function valuesOf<O extends Options>(
  { options, commands = [] }: Pick<ProgramSpec<O>, 'options' | 'commands'>,
  { given, positionals }: Pick<CommandLine, 'given' | 'positionals'>,
  command: string,
  environment: NodeJS.ProcessEnv = process.env,
  file?: FileValues,
): Values<O> {
  const rest = [...positionals];
  const values: Record<string, unknown> = {};
  if (file !== undefined) refuseUnknownKeys(file, options);
  for (const [name, spec] of Object.entries(options)) {
    const all = isPositional(spec)
      ? rest.splice(0, spec.isRepeatable ? rest.length : 1).map((text) => ({ text, name: spec.argument }))
      : strongest(spec, [fromFile(spec, file), fromEnvironment(spec, environment), given.get(spec) ?? []]);
    if (spec.isRequired && all.length === 0) throw missing(spec, command);
    values[name] = spec.collect(all);
  }
  if (rest.length > 0) throw tooMany(positionals, rest, commands, command);
  return values as Values<O>;
}

/**
 * The values of a program's options for a command line.
 *
 * @throws InflessError INVALID_INPUT
 */
export async function readValues<O extends Options>(
  spec: ProgramSpec<O>,
  line: CommandLine,
  command: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Values<O>> {
  const file = await spec.file?.read(line.positionals);
  return valuesOf(spec, line, command, environment, file);
}

/** A value as a program gives it for an option: as on the command line, or a list of such. */
export type Written = string | number | boolean | readonly (string | number)[];

/** Options by the names of their table. */
export type WrittenOptions<O extends Options> = { readonly [Name in keyof O]?: Written | undefined };

/**
 * The values of options that a program gives, not a person: no variable of the environment counts.
 *
 * @param what names whom they are for in messages
 * @throws InflessError INVALID_INPUT naming what is unknown, missing or wrong
 */
export function writtenValues<O extends Options>(
  options: O,
  written: WrittenOptions<O>,
  what: string,
): Values<O> {
  const given = new Map<OptionSpec, Given[]>();
  const positionals: string[] = [];
  for (const [name, value] of Object.entries(written)) {
    const spec = Object.hasOwn(options, name) ? options[name] : undefined;
    if (spec === undefined) {
      const suggestion = didYouMean(name, Object.keys(options));
      throw new InflessError('INVALID_INPUT', `${what} has no option "${name}"`, {
        ...(suggestion !== undefined && { remedy: suggestion }),
      });
    }
    if (value === undefined || value === false) continue;
    const texts = [value].flat().map((each) => (each === true ? true : String(each)));
    if (isPositional(spec)) positionals.push(...texts.map(String));
    else
      given.set(
        spec,
        texts.map((text) => ({ text, name })),
      );
  }
  return valuesOf({ options }, { given, positionals }, what, {});
}

/** The values of options that only the environment sets. */
export function readEnvironment<O extends Options>(options: O, environment: NodeJS.ProcessEnv): Values<O> {
  return valuesOf({ options }, { given: new Map(), positionals: [] }, '', environment);
}

function flagsOf(options: Options): Map<string, Flag> {
  const flags = new Map<string, Flag>();
  for (const spec of Object.values(options)) {
    if (spec.flag === undefined) continue;
    flags.set(flagParts(spec.flag).long, { spec, isNegation: false });
    const negation = negationOf(spec);
    if (negation !== undefined) flags.set(negation, { spec, isNegation: true });
  }
  return flags;
}

function configOf(flags: ReadonlyMap<string, Flag>) {
  const entries = [...flags].map(([long, { spec, isNegation }]) => {
    const { short } = flagParts(spec.flag!);
    const type = spec.takes === 'value' && !isNegation ? ('string' as const) : ('boolean' as const);
    const letter = short === undefined || isNegation ? {} : { short: short.slice(1) };
    return [long.slice(2), { type, ...letter }] as const;
  });
  return Object.fromEntries(entries);
}

function strongest({ addsToFile }: OptionSpec, sources: readonly (readonly Given[])[]): readonly Given[] {
  return addsToFile ? sources.flat() : (sources.findLast((given) => given.length > 0) ?? []);
}

function fromEnvironment({ env, emptyEnv }: OptionSpec, environment: NodeJS.ProcessEnv): readonly Given[] {
  const text = env === undefined ? undefined : environment[env];
  return text === undefined || (text === '' && emptyEnv === undefined) ? [] : [{ text, name: env! }];
}

function fromFile(spec: OptionSpec, source: FileValues | undefined): readonly Given[] {
  const value = spec.key === undefined ? undefined : source?.values[spec.key];
  if (value === undefined) return [];
  const name = `"${spec.key}" in ${source!.file}`;
  if (value === false && spec.negation !== undefined) return [{ text: false, name }];
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  const texts = items.map((item) => textOf(item, spec, name));
  return (spec.isRepeatable ? texts : [texts.join(',')]).map((text) => ({ text, name }));
}

/** YAML reads `1.10` as the number 1.1: what is no number for us must be written as text. */
function textOf(item: unknown, spec: OptionSpec, name: string): string {
  if (typeof item === 'string' && item !== '') return item;
  if (typeof item === 'number' && typeof spec.parse?.(String(item), name) === 'number') return String(item);
  throw new InflessError('INVALID_INPUT', `${name} must be a text, not ${JSON.stringify(item)}`, {
    ...(typeof item === 'number' && { remedy: 'Put it in quotes.' }),
  });
}

function refuseUnknownKeys({ file, values }: FileValues, options: Options): void {
  const keys = Object.values(options).flatMap(({ key }) => key ?? []);
  for (const key of Object.keys(values)) {
    if (keys.includes(key)) continue;
    throw new InflessError('INVALID_INPUT', `${file} has a key "${key}", which is no option`, {
      remedy: didYouMean(key, keys) ?? `It may hold ${keys.join(', ')}.`,
    });
  }
}

function unknownOption(flag: string, known: Iterable<string>, command: string): InflessError {
  const suggestion = didYouMean(flag, [...known, '--help', '--version']);
  return new InflessError('INVALID_INPUT', `${command} has no option ${flag}`, {
    remedy: suggestion ?? `${command} --help lists its options.`,
  });
}

function withoutValue(flag: string, spec: OptionSpec): InflessError {
  const { value } = flagParts(spec.flag!);
  return new InflessError('INVALID_INPUT', `${flag} needs a value`, {
    remedy: `Write it like ${flag} ${value}.`,
  });
}

function missing(spec: OptionSpec, command: string): InflessError {
  const named = spec.argument ?? spec.flag;
  const what = named === undefined ? `${nameOf(spec)} is missing` : `${command} needs ${named}`;
  return new InflessError('INVALID_INPUT', `${what}: ${spec.help}`);
}

function tooMany(
  positionals: readonly string[],
  rest: readonly string[],
  commands: NonNullable<ProgramSpec['commands']>,
  command: string,
): InflessError {
  const names = commands.map(({ name }) => name);
  const first = positionals[0]!;
  const late = positionals.find((positional) => names.includes(positional));
  if (late !== undefined) {
    return new InflessError('INVALID_INPUT', `"${late}" is a command of ${command}, and comes first`, {
      remedy: `Write ${command} ${late}, then its options.`,
    });
  }
  const suggestion = didYouMean(first, names);
  if (names.length > 0 && (rest.length === positionals.length || suggestion !== undefined)) {
    return new InflessError('INVALID_INPUT', `${command} has no command "${first}"`, {
      remedy: suggestion ?? `Its commands are ${names.join(', ')}.`,
    });
  }
  return new InflessError('INVALID_INPUT', `"${rest[0]}" is one argument too many for ${command}`, {
    remedy: `${command} --help shows what it takes.`,
  });
}
