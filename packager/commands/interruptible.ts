import { onInterrupt } from '../../models/base/command-line/interrupt.ts';
import { EXIT_INTERRUPTED } from '../../models/base/errors.ts';

/** Runs a command until it is done or Ctrl-C ends it in order. */
export async function withInterrupt(command: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const interrupt = onInterrupt();
  try {
    await command(interrupt.signal);
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    process.stderr.write('\nInterrupted. Nothing half-written is left.\n');
    process.exitCode = EXIT_INTERRUPTED;
  } finally {
    interrupt.release();
  }
}
