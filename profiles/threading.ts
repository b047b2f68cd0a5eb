import { type Threading, threadRule } from '../models/onnx/threads.ts';
import type { ThreadChoice } from './table.ts';

/**
 * The threading of every quota: as tried; else as the nearest one tried of its sort (whole or not) has it, relative to the default.
 */
export function threadingOf(cpuMillicores: number, choices: readonly ThreadChoice[]): Threading {
  const usual = threadRule(cpuMillicores);
  if (cpuMillicores <= 1000) return usual;
  const alike = choices.filter((choice) => isWhole(choice.cpuMillicores) === isWhole(cpuMillicores));
  if (alike.length === 0) return usual;
  const distance = (choice: ThreadChoice): number => Math.abs(Math.log(choice.cpuMillicores / cpuMillicores));
  const nearest = alike.reduce((a, b) => (distance(b) < distance(a) ? b : a));
  const fewer = threadRule(nearest.cpuMillicores).threads - nearest.threads;
  return { threads: Math.max(1, usual.threads - fewer), spinning: nearest.spinning };
}

/** Whether a quota is of whole cores. */
export function isWhole(cpuMillicores: number): boolean {
  return cpuMillicores % 1000 === 0;
}
