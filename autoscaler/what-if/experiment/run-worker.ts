/** Runs an experiment's runs in a thread, one after the other: see run-pool.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../../models/base/errors.ts';
import { simulate } from '../../simulation/simulate.ts';
import type { System } from '../../simulation/systems/serving-system.ts';
import { systemByName } from '../../simulation/systems/systems.ts';
import { loadOwnPolicy } from '../own-policies/own-policy.ts';
import { scenarioOf } from '../run-policy.ts';
import { binsOf } from '../series/step-series.ts';
import { figuresOf, type RunOutcome } from './run-figures.ts';
import { type ExperimentRun, type PreparedGrid, policyRunOf } from './settings.ts';

const prepared = workerData as PreparedGrid;
const port = parentPort!;
let nowMs = (): number => 0;

/** Where its virtual clock is; nothing else lets the pool tell long from hanging. */
setInterval(() => port.postMessage({ atMs: nowMs() }), 1_000);

port.on('message', (run: ExperimentRun) => {
  void outcomeOf(run).then((outcome) => port.postMessage({ outcome }));
});

async function outcomeOf(run: ExperimentRun): Promise<RunOutcome> {
  let failure: string | undefined;
  const ending = new AbortController();
  const failed = (error: unknown): void => {
    failure ??= messageOf(error);
    ending.abort();
  };
  try {
    const policy = prepared.policies.get(run.policy)!;
    const system = typeof policy === 'string' ? systemByName(policy) : await loadOwnPolicy(policy, failed);
    const policyRun = policyRunOf(run, prepared);
    const scenario = scenarioOf(policyRun, binsOf(policyRun.warmUpMs, policyRun.loads.durationMs));
    const result = await simulate(scenario, watched(system), { signal: ending.signal });
    if (failure !== undefined) return { failure };
    return figuresOf(result, new Map(policyRun.functions.map(({ spec }) => [spec.name, spec.slo])));
  } catch (error) {
    return { failure: failure ?? messageOf(error) };
  }
}

/** The same, and the clock is known. */
function watched(system: System): System {
  return {
    ...system,
    create: (parts) => {
      nowMs = () => parts.clock.nowMs();
      return system.create(parts);
    },
  };
}
