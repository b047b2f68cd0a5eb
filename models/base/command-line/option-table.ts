/**
 * What a program takes, as data: one row an option. Parsing, environment variables, keys of a file, help, the
 * reference in docs/options.md and completion in a shell all come from the same row.
 */

/**
 * Reads a value; throws an InflessError that calls it by `name`: `--slo`, `INFLESS_SLO_MS`, or a key of a
 * file.
 */
export interface Parser<out T> {
  (text: string, name: string): T;
  /** All texts that can be given, for help, suggestions and completion. */
  readonly choices?: readonly string[];
  /** Some of the texts that can be given, for completion. */
  readonly suggests?: readonly string[];
  /** What else a shell completes it with. */
  readonly completes?: 'file' | 'folder';
}

/** A value where it was given: true and false are those of `--flag` and `--no-flag`. */
export interface Given {
  readonly text: string | boolean;
  /** How messages call it. */
  readonly name: string;
}

interface Described {
  /** A phrase, as help shows it. */
  readonly help: string;
  /** Heading in help. */
  readonly group?: string;
  /** Ours alone: not in help. */
  readonly isHidden?: true;
}

interface Named extends Described {
  /** `-t, --tag <image>`, `--json [file]` where the value may be left out, `--quick` where there is none. */
  readonly flag?: string;
  /** Environment variable; where it is empty it counts as unset. */
  readonly env?: string;
  /** Key in the program's options file. */
  readonly key?: string;
  /** An empty environment variable is a value, too: one that protects must not be lost by a slip. */
  readonly emptyEnv?: 'given';
}

type Default = string | (() => string);

export interface OptionSpec<out T = unknown> extends Named {
  /** `<url>`, `<tables...>` or `[models...]`: a positional argument, which has no other name. */
  readonly argument?: string;
  readonly takes: 'value' | 'optional value' | 'nothing';
  readonly isRepeatable: boolean;
  readonly isRequired: boolean;
  /** Help of the flag that takes the option away, `--no-profile`. */
  readonly negation?: string;
  readonly default?: Default;
  /** What happens without it, in words: instead of the default in help. */
  readonly otherwise?: string;
  /** What is given adds to what the file says, which otherwise no longer counts. */
  readonly addsToFile?: true;
  readonly parse?: Parser<unknown>;
  /** What was given, the weakest source first: file, environment, command line. */
  readonly collect: (given: readonly Given[]) => T;
}

export type Options = Readonly<Record<string, OptionSpec>>;

export type Values<O extends Options> = {
  readonly [Name in keyof O]: O[Name] extends OptionSpec<infer T> ? T : never;
};

/** How the program was called, for those that tell how to go on. */
export interface Invocation {
  /** `infless-profile`, or `infless profile`. */
  readonly command: string;
  readonly args: readonly string[];
}

/** What the options file beside what is worked on says. */
export interface FileValues {
  /** How messages call it. */
  readonly file: string;
  readonly values: Readonly<Record<string, unknown>>;
}

export interface ProgramSpec<O extends Options = Options> {
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  readonly options: O;
  readonly commands?: readonly LazyProgram[];
  /** Examples and what else there is to say, below the options. */
  readonly notes?: string;
  /** The file that may hold options by their keys. */
  readonly file?: {
    readonly name: string;
    read(args: readonly string[]): Promise<FileValues | undefined>;
  };
  /** Arguments that stand for others. */
  readonly redirect?: (args: readonly string[]) => readonly string[];
  /** Without, the program has commands only, and shows them. */
  run?(values: Values<O>, invocation: Invocation): Promise<void> | void;
}

/** A command whose code is loaded when it is called. */
export interface LazyProgram {
  readonly name: string;
  readonly summary: string;
  /** Heading in help. */
  readonly group?: string;
  readonly load: () => Promise<ProgramSpec>;
}

interface Valued<T> extends Named {
  readonly parse: Parser<T>;
}

/** An option with a value; the last one given counts. */
export function option<T>(
  row: Valued<T> & { readonly default: Default; readonly otherwise?: string },
): OptionSpec<T>;
export function option<T>(row: Valued<T> & { readonly required: true }): OptionSpec<T>;
export function option<T>(row: Valued<T> & { readonly otherwise?: string }): OptionSpec<T | undefined>;
export function option<T>({
  required = false,
  ...row
}: Valued<T> & { readonly default?: Default; readonly required?: boolean }): OptionSpec<T | undefined> {
  const collect = (given: readonly Given[]): T | undefined => {
    const last = given.at(-1) ?? defaultOf(row);
    return last === undefined ? undefined : row.parse(String(last.text), last.name);
  };
  return { ...row, takes: 'value', isRepeatable: false, isRequired: required, collect };
}

/** An option with a value, and a flag `--no-…` for none: false. */
export function negatableOption<T>(
  row: Valued<T> & { readonly negation: string; readonly otherwise?: string },
): OptionSpec<T | false | undefined> {
  const collect = (given: readonly Given[]): T | false | undefined => {
    const last = given.at(-1);
    return last === undefined || last.text === false
      ? last && false
      : row.parse(String(last.text), last.name);
  };
  return { ...row, takes: 'value', isRepeatable: false, isRequired: false, collect };
}

/** An option whose value may be left out: true then. */
export function optionalValue<T>(row: Valued<T>): OptionSpec<T | true | undefined> {
  const collect = (given: readonly Given[]): T | true | undefined => {
    const last = given.at(-1);
    return typeof last?.text === 'string' ? row.parse(last.text, last.name) : last && true;
  };
  return { ...row, takes: 'optional value', isRepeatable: false, isRequired: false, collect };
}

/** An option that may be given several times; all count. */
export function repeatable<T>(row: Valued<T> & { readonly addsToFile?: true }): OptionSpec<readonly T[]> {
  const collect = (given: readonly Given[]): readonly T[] =>
    given.map(({ text, name }) => row.parse(String(text), name));
  return { ...row, takes: 'value', isRepeatable: true, isRequired: false, collect };
}

/** A flag without a value; `--no-…` is true where it is not given. */
export function toggle(
  row: Named & { readonly flag: string; readonly otherwise?: string },
): OptionSpec<boolean> {
  const isGiven = !row.flag.startsWith('--no-');
  const collect = (given: readonly Given[]): boolean => (given.length > 0 ? isGiven : !isGiven);
  return { ...row, takes: 'nothing', isRepeatable: false, isRequired: false, collect };
}

interface Argument<T> extends Described {
  /** In angle brackets, `<url>`; `<tables...>` for one or more, `[models...]` for any number. */
  readonly argument: string;
  readonly parse: Parser<T>;
}

/** A positional argument, which must be given. */
export function argument<T>(row: Argument<T>): OptionSpec<T> {
  const collect = (given: readonly Given[]): T => row.parse(String(given[0]!.text), given[0]!.name);
  return { ...row, takes: 'value', isRepeatable: false, isRequired: true, collect };
}

/** All remaining positional arguments. */
export function remainingArguments<T>(row: Argument<T>): OptionSpec<readonly T[]> {
  return { ...repeatable(row), ...row, isRequired: row.argument.startsWith('<') };
}

/** A program with its options; what `run` gets is typed by them. */
export function defineProgram<const O extends Options>(program: ProgramSpec<O>): ProgramSpec<O> {
  return program;
}

function defaultOf(row: Named & { readonly default?: Default }): Given | undefined {
  if (row.default === undefined) return undefined;
  const text = typeof row.default === 'string' ? row.default : row.default();
  return { text, name: nameOf(row) };
}

export interface FlagParts {
  readonly short?: string;
  /** With its dashes. */
  readonly long: string;
  /** With its brackets. */
  readonly value?: string;
}

/** `-t, --tag <image>` in its parts. */
export function flagParts(flag: string): FlagParts {
  const match = /^(?:(?<short>-\w), )?(?<long>--[\w-]+)(?: (?<value>[<[].+[>\]]))?$/.exec(flag);
  if (match === null) throw new Error(`"${flag}" is not a flag of an option table`);
  return match.groups as unknown as FlagParts;
}

/** How messages call an option that was not given. */
export function nameOf({ flag, env, key, argument: positional }: Partial<OptionSpec>): string {
  return flag === undefined ? (positional ?? env ?? key ?? '') : flagParts(flag).long;
}

/** The flag that takes an option away, `--no-profile`. */
export function negationOf({ flag, negation }: OptionSpec): string | undefined {
  if (flag === undefined || negation === undefined) return undefined;
  return `--no-${flagParts(flag).long.slice(2)}`;
}

export function isPositional(spec: OptionSpec): spec is OptionSpec & { readonly argument: string } {
  return spec.argument !== undefined;
}
