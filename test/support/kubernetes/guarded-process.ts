import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';

/**
 * Runs the program given as arguments until it ends or our end of the pipe is closed. The kernel closes that
 * also when we are killed, so that a test run that is broken off leaves no server behind.
 */
const GUARD = `
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
{ read -r _ <&3; kill -9 $program; } 2>/dev/null &
guard=$!
exec 3<&-
wait $program
status=$?
kill -9 $guard 2>/dev/null
exit $status`;

/** A program that ends when the test process does, however that ends, and writes to a file what it says. */
export class GuardedProcess {
  readonly #child: ChildProcess;
  readonly #logFile: string;
  readonly #ended: Promise<unknown>;

  constructor(program: string, args: readonly string[], logFile: string) {
    const log = openSync(logFile, 'a');
    // A session of its own: Ctrl-C ends the test run, which then ends this in the order it needs.
    this.#child = spawn('/bin/sh', ['-c', GUARD, 'guard', program, ...args], {
      stdio: ['pipe', log, log],
      detached: true,
    });
    closeSync(log);
    this.#logFile = logFile;
    this.#ended = once(this.#child, 'exit');
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** The end of what it has said. */
  get stderrTail(): string {
    return readFileSync(this.#logFile, 'utf8').slice(-2_000);
  }

  async kill(): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended;
  }
}
