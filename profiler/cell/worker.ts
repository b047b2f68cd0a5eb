/**
 * The process in which one cell is measured: started by the sweep, put under the cell's quota, asked, ended.
 */
import { writeFileSync } from 'node:fs';
import { InflessError, messageOf } from '../../models/base/errors.ts';
import type { Answer, Question } from './cell-protocol.ts';
import { everySecond } from './measure.ts';
import { type OpenCell, openCell } from './open-cell.ts';

const heartbeat = everySecond(() => send({ type: 'alive' }));
let cell: OpenCell | undefined;

async function reply(question: Question): Promise<unknown> {
  if (question.ask === 'open') {
    cell = await openCell(question);
    return cell.opened;
  }
  if (question.ask === 'examine') {
    const { examine } = await import('./accelerator/examine.ts'); // only where there is a GPU
    return examine(question);
  }
  if (cell === undefined) throw new Error(`The model must be opened before "${question.ask}".`);
  switch (question.ask) {
    case 'warm-up':
      return cell.warmUp(question, heartbeat);
    case 'measure':
      return cell.measure(question, heartbeat);
    case 'codec':
      return cell.codec(question);
    case 'receive':
      return cell.receive();
  }
}

function send(answer: Answer): void {
  process.send?.(answer);
}

process.on('disconnect', () => process.exit(1)); // the sweep is gone: no one wants the rest
process.on('message', async (question: Question) => {
  try {
    send({ type: 'done', result: await reply(question) });
  } catch (error) {
    send({
      type: 'failed',
      code: error instanceof InflessError ? error.code : 'INFERENCE_FAILED',
      reason: messageOf(error),
    });
  }
});

/** Where a batch is too large for the machine, this process must be the one that the kernel ends. */
function volunteerForOutOfMemory(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // not Linux, or not allowed: the kernel chooses by itself
  }
}

volunteerForOutOfMemory();
send({ type: 'ready' });
