import pc from 'picocolors';
import { EXIT_DEFECT, InflessError, messageOf, systemCode } from '../errors.ts';
import { packageVersion } from '../package.ts';
import { DEFAULT_WIDTH, renderHelp } from './help.ts';
import { didYouMean } from './nearest.ts';
import type { ProgramSpec } from './option-table.ts';
import { cutCommandLine, readValues } from './read-options.ts';

/**
 * Runs a program to its exit code and renders whatever it throws as one sentence on standard error. This is
 * the only place where an error becomes text for a person; `INFLESS_DEBUG=1` adds the stack.
 */
export async function runProgram(
  program: ProgramSpec,
  argv: readonly string[] = process.argv,
): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', endWithReader);
  try {
    await callProgram(program, argv.slice(2));
  } catch (error) {
    process.exitCode = report(error);
  }
}

/**
 * Calls a program, or the command of it that the first argument names.
 *
 * @param command how the program was called: `infless-profile`, `infless profile`
 * @throws InflessError INVALID_INPUT for arguments that it does not take, and whatever it throws
 */
export async function callProgram(
  spec: ProgramSpec,
  argv: readonly string[],
  command: string = spec.name,
): Promise<void> {
  const args = spec.redirect?.(argv) ?? argv;
  const [first, ...rest] = args;
  const called = spec.commands?.find(({ name }) => name === first);
  if (called !== undefined) return callProgram(await called.load(), rest, `${command} ${first}`);
  if (first === 'help' && spec.commands !== undefined) return helpOn(spec, rest, command);

  const line = cutCommandLine(spec, args, command);
  if (line.wantsVersion) return void process.stdout.write(`${packageVersion}\n`);
  if (line.wantsHelp || (spec.run === undefined && args.length === 0)) {
    return void process.stdout.write(renderHelp(spec, command, process.stdout.columns ?? DEFAULT_WIDTH));
  }
  const values = await readValues(spec, line, command);
  try {
    await spec.run?.(values, { command, args });
  } catch (error) {
    throw perhapsACommand(error, spec, first);
  }
}

/** `infless help profile compare` */
async function helpOn(spec: ProgramSpec, path: readonly string[], command: string): Promise<void> {
  const names = spec.commands!.map(({ name }) => name);
  const [first] = path;
  if (first === undefined || names.includes(first)) return callProgram(spec, [...path, '--help'], command);
  throw new InflessError('INVALID_INPUT', `${command} has no command "${first}"`, {
    remedy: didYouMean(first, names) ?? `Its commands are ${names.join(', ')}.`,
  });
}

/** A misspelt command of a program that takes the name of a model reads like one. */
function perhapsACommand(error: unknown, { commands = [] }: ProgramSpec, first: string | undefined): unknown {
  if (!(error instanceof InflessError) || error.code !== 'MODEL_NOT_FOUND' || first === undefined)
    return error;
  const names = commands.map(({ name }) => name);
  const suggestion = didYouMean(first, names);
  if (suggestion === undefined) return error;
  const remedy = suggestion.replace('Did you mean', 'Or did you mean the command');
  return new InflessError(error.code, error.message, {
    remedy: error.remedy === undefined ? remedy : `${error.remedy} ${remedy}`,
    cause: error,
  });
}

/** Whoever reads our output has seen enough (`… --help | head -3`): what would follow is for no one. */
function endWithReader(error: Error): void {
  if (systemCode(error) !== 'EPIPE') throw error;
  process.exit(process.exitCode ?? 0);
}

function report(error: unknown): number {
  // A log is no terminal, whatever the environment of a build server says.
  const { red } = pc.createColors(process.stderr.isTTY === true && pc.isColorSupported);
  process.stderr.write(`${red('error')}: ${messageOf(error)}\n`);
  if (process.env.INFLESS_DEBUG && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  if (error instanceof InflessError) return error.exitCode;
  if (systemCode(error) !== undefined) return 3;
  if (!process.env.INFLESS_DEBUG) {
    process.stderr.write('This is a defect of infless: set INFLESS_DEBUG=1 for the stack and report it.\n');
  }
  return EXIT_DEFECT;
}
