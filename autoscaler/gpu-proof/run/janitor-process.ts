/**
 * Waits beside a proof for its end. Where that comes without a word, because the proof was killed, it does
 * what the proof could not do any more: ends what the steps have started, and removes their folder.
 */
import { rm } from 'node:fs/promises';
import { endLeftovers } from '../leftovers.ts';

/** What it may have to do. */
export interface JanitorOrder {
  readonly environment: NodeJS.ProcessEnv;
  readonly work: string;
}

let order: JanitorOrder | undefined;

process.on('message', (message: JanitorOrder | 'done') => {
  if (message === 'done') process.exit(0);
  order = message;
});
process.on('disconnect', async () => {
  if (order !== undefined) {
    await endLeftovers(order.environment);
    await rm(order.work, { recursive: true, force: true });
  }
  process.exit(0);
});
// Ctrl-C and the like are for the proof, whose end is what this waits for.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
