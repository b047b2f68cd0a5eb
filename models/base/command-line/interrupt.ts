import { EXIT_INTERRUPTED } from '../errors.ts';

export interface Interrupt {
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Gives the signals their usual meaning back. */
  release(): void;
}

/**
 * Ctrl-C once asks: what is under way is ended in order, and what is finished is kept. Ctrl-C twice does not
 * ask: the process ends there and then; processes that it started notice that they are alone.
 */
export function onInterrupt(): Interrupt {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(EXIT_INTERRUPTED);
    controller.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  return {
    signal: controller.signal,
    release: () => {
      process.off('SIGINT', interrupt);
      process.off('SIGTERM', interrupt);
    },
  };
}

/** Runs a command that leaves nothing half-written until it is done, or Ctrl-C ends it in order. */
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
