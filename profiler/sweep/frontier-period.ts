import { unmeasuredFrontier } from '../../profiles/conditions/period.ts';
import { configKey } from '../../profiles/config.ts';
import type { Cell, OtherPeriod, ProfileTable } from '../../profiles/table.ts';
import type { Measuring } from './cell-runner.ts';
import { type ProfileListener, remainingMs, type TimeLimit } from './progress.ts';

/** A table has hardly more cells worth choosing. */
const MOST_CELLS = 12;

export interface FrontierPlan {
  /** Its quotas have the period. */
  readonly runner: Measuring;
  readonly periodMicros: number;
  readonly cellTimeMs: number;
  /** No cell is begun that would probably not be done by then. */
  readonly limit: TimeLimit;
}

/**
 * Measures the cells that someone may choose under another period of the CPU quota. What is not measured
 * counts as slow there, so cells drop out of the frontier rather than come in as others get measured.
 *
 * @returns the table with what was found
 */
export async function measureFrontier(
  table: ProfileTable,
  plan: FrontierPlan,
  listener: ProfileListener,
): Promise<ProfileTable> {
  const { runner, periodMicros, cellTimeMs, limit } = plan;
  const finishedMs: number[] = [];
  const failed = new Set<string>();
  let current = table;
  for (let done = 0; done < MOST_CELLS; done += 1) {
    const open = unmeasuredFrontier(current, periodMicros).filter((cell) => !failed.has(configKey(cell)));
    const [next] = open;
    const nextMs = remainingMs(finishedMs, 1, cellTimeMs);
    if (next === undefined || nextMs > limit.leftMs) break;
    const { batch, cpuMillicores, gpuPercent } = next;
    const config = { batch, cpuMillicores, gpuPercent };
    const state = (finished: number) => ({
      done: done + finished,
      total: Math.min(MOST_CELLS, done + open.length),
      remainingMs: remainingMs(finishedMs, open.length - finished, cellTimeMs),
    });
    listener({ type: 'cell-started', config, ...state(0) });
    const startedMs = performance.now();
    const result = await runner
      .within(limit)
      .measure(config, { threads: next.threads, spinning: next.spinning });
    if (result === undefined) break;
    finishedMs.push(performance.now() - startedMs);
    if ('failure' in result) {
      failed.add(configKey(next));
      listener({ type: 'cell-failed', config, reason: result.failure.sentence, ...state(1) });
      continue;
    }
    current = withPeriod(current, next, result.cell, periodMicros);
    listener({ type: 'cell-measured', ...result, ...state(1) });
  }
  return current;
}

function withPeriod(table: ProfileTable, of: Cell, measured: Cell, periodMicros: number): ProfileTable {
  const { latencyMs, samples, converged, throughputPerSecond, throttling } = measured;
  const other: OtherPeriod = {
    periodMicros,
    latencyMs,
    samples,
    converged,
    throughputPerSecond,
    throttling,
  };
  const cells = table.cells.map((cell) => {
    if (configKey(cell) !== configKey(of)) return cell;
    const others = cell.otherPeriods?.filter((known) => known.periodMicros !== periodMicros) ?? [];
    return { ...cell, otherPeriods: [...others, other] };
  });
  return { ...table, cells };
}
