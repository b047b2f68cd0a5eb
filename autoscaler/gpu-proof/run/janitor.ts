import { fork } from 'node:child_process';
import { once } from 'node:events';
import { programFile } from '../../../models/base/package.ts';
import type { JanitorOrder } from './janitor-process.ts';

/** Somebody who cleans up should this process be killed. */
export interface Janitor {
  /** All is clean: it is not needed any more. */
  dismiss(): Promise<void>;
}

export function startJanitor(order: JanitorOrder): Janitor {
  const child = fork(programFile('autoscaler/gpu-proof/run/janitor-process'), [], {
    execArgv: [],
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const ended = once(child, 'exit').catch(() => undefined);
  // without one, a proof that is killed leaves more behind, and that is all
  child.on('error', () => undefined);
  child.send(order, () => undefined);
  return {
    async dismiss() {
      child.send('done', () => undefined);
      await ended;
    },
  };
}
