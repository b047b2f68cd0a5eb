import type { WarmUp } from './steady-state.ts';
import { Samples, type StoppingRule } from './stopping.ts';

/** How often the loop of runs lets the process hear from its parent, and be heard. */
const BREATH_MS = 1000;

/** One run of what is measured; resolves when its answer is there. */
export type Run = () => Promise<void>;

/** Called about once a second between two runs, never inside one. */
export type Breath = () => Promise<void>;

/** Runs until warm (see {@link WarmUp}). */
export async function warmUp(run: Run, warmth: WarmUp, breath: Breath): Promise<void> {
  await loop(run, breath, (latencyMs) => {
    warmth.add(latencyMs);
    return warmth.finished;
  });
}

export interface Measurement {
  readonly samples: Samples;
  /** CPU time of all threads, in ms, over all samples. */
  readonly cpuMs: number;
}

/**
 * Samples one run after the other until the rule says enough. The end of one sample is the beginning of the
 * next: were each timed on its own, a stall of the quota that falls between two runs would be nobody's.
 */
export async function measure(run: Run, rule: StoppingRule, breath: Breath): Promise<Measurement> {
  const samples = new Samples(rule);
  const before = process.cpuUsage();
  await loop(run, breath, (latencyMs) => {
    samples.add(latencyMs);
    return samples.enough;
  });
  const spent = process.cpuUsage(before);
  return { samples, cpuMs: (spent.user + spent.system) / 1000 };
}

/**
 * Mean time of something short and synchronous, in ms: at least `fewest` times, and for about `budgetMs`. As much goes
 * before without being timed: code runs several times slower until the compiler has seen enough of it, and a server that
 * has served a while is past that.
 */
export function meanTimeMs(action: () => void, limits: { fewest: number; budgetMs: number }): number {
  repeat(action, limits);
  const { runs, elapsedMs } = repeat(action, limits);
  return elapsedMs / runs;
}

function repeat(
  action: () => void,
  limits: { fewest: number; budgetMs: number },
): { runs: number; elapsedMs: number } {
  const begin = performance.now();
  let runs = 0;
  let elapsedMs = 0;
  while (runs < limits.fewest || elapsedMs < limits.budgetMs) {
    action();
    runs += 1;
    elapsedMs = performance.now() - begin;
  }
  return { runs, elapsedMs };
}

async function loop(run: Run, breath: Breath, isLast: (latencyMs: number) => boolean): Promise<void> {
  let begin = performance.now();
  let lastBreath = begin;
  for (;;) {
    await run();
    const end = performance.now();
    if (isLast(end - begin)) return;
    begin = end;
    if (end - lastBreath < BREATH_MS) continue;
    await breath();
    begin = performance.now();
    lastBreath = begin;
  }
}
