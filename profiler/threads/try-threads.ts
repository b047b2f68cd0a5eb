import type { Threading } from '../../models/onnx/threads.ts';
import type { ThreadChoice } from '../../profiles/table.ts';
import type { Evidence } from '../cell/verdicts.ts';
import { candidatesFor, quotasToTry, winnerOf } from '../sweep/threads/thread-choices.ts';

/** Measures one threading under a quota; undefined where it cannot run. */
export type Trial = (cpuMillicores: number, threading: Threading) => Promise<Evidence | undefined>;

/**
 * Tries threads under the quotas where there is a choice, all with the same batch.
 *
 * @returns the winner of each quota, and what the trials were; quotas whose default cannot run are left out
 */
export async function tryThreads(cpuMillicores: readonly number[], trial: Trial): Promise<ThreadChoice[]> {
  const choices: ThreadChoice[] = [];
  for (const quota of quotasToTry(cpuMillicores)) {
    const trials: ThreadChoice['trials'] = [];
    for (const threading of candidatesFor(quota)) {
      const evidence = await trial(quota, threading);
      if (evidence === undefined) break;
      const { batch, latencyMs, cpuMs } = evidence.cell;
      trials.push({ ...threading, batch, meanMs: latencyMs.mean, cpuMs });
    }
    if (trials.length > 0) choices.push({ cpuMillicores: quota, ...winnerOf(trials), trials });
  }
  return choices;
}
