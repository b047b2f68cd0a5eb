/**
 * The process of one step: started with its letter, told where to work, ended by its parent if it takes too
 * long.
 */
import { messageOf } from '../../../models/base/errors.ts';
import type { Letter } from '../plan.ts';
import type { StepContext, StepMessage, StepOrder, Verdict } from '../step.ts';
import { STEPS } from '../steps/index.ts';

function send(message: StepMessage): void {
  process.send?.(message, () => undefined);
}

async function run(order: StepOrder): Promise<Verdict> {
  const context: StepContext = {
    ...order,
    doing: (what) => send({ type: 'doing', what }),
    record: (figures) => send({ type: 'figures', figures }),
  };
  try {
    const step = await STEPS[process.argv[2] as Letter]();
    return await step(context);
  } catch (error) {
    if (process.env.INFLESS_DEBUG && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
    return { outcome: 'failed', sentence: messageOf(error) };
  }
}

process.on('disconnect', endGroup); // whoever asked is gone: no one wants the rest
/** With what it has started: it leads a group of its own. */
function endGroup(): void {
  process.kill(-process.pid, 'SIGKILL');
}

process.once('message', async (order: StepOrder) => {
  const verdict = await run(order);
  // Only when it has been told, the process may end; a native library that hangs on its way out is the
  // parent's to end.
  process.send?.({ type: 'verdict', verdict } satisfies StepMessage, () => process.exit(0));
});
