import { Command, CommanderError } from 'commander';
import pc from 'picocolors';
import { EXIT_DEFECT, InflessError, messageOf, systemCode } from '../errors.ts';
import { packageVersion } from '../package.ts';

/** A commander program with our conventions: version, wording of errors, no `process.exit` of its own. */
export function createProgram(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .version(packageVersion, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .showHelpAfterError('(--help lists the options)')
    .exitOverride();
}

/**
 * Runs a program to its exit code and renders whatever it throws as one sentence on standard error. This is
 * the only place where an error becomes text for a person; `INFLESS_DEBUG=1` adds the stack.
 */
export async function runProgram(program: Command, argv: readonly string[] = process.argv): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', endWithReader);
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    process.exitCode = report(error);
  }
}

/** Whoever reads our output has seen enough (`… --help | head -3`): what would follow is for nobody. */
function endWithReader(error: Error): void {
  if (systemCode(error) !== 'EPIPE') throw error;
  process.exit(process.exitCode ?? 0);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has printed it already
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
