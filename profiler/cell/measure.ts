import { setImmediate } from 'node:timers/promises';
import {
  hostSpeed,
  Interleaving,
  type Interval,
  YARDSTICK_SHARE,
  type YardstickReading,
} from './reference-load.ts';
import type { WarmUp } from './steady-state.ts';
import { Samples, type StoppingRule } from './stopping.ts';

/** One run of what is measured; resolves when its answer is there. */
export type Run = () => Promise<void>;

/** Called between two runs; a promise when it is time to let the process be heard, and hear. */
export type Heartbeat = () => Promise<void> | undefined;

const BREATH_MS = 1000;

/**
 * A breath about once a second: inference is synchronous, and its promises alone never let the event loop
 * turn.
 */
export function everySecond(onBreath: () => void = () => undefined): Heartbeat {
  let last = performance.now();
  return () => {
    const now = performance.now();
    if (now - last < BREATH_MS) return undefined;
    last = now;
    onBreath();
    return setImmediate();
  };
}

/** Runs until warm (see {@link WarmUp}). */
export async function warmUp(run: Run, warmth: WarmUp, heartbeat: Heartbeat): Promise<void> {
  await loop(run, heartbeat, (latencyMs) => {
    warmth.add(latencyMs);
    return warmth.finished;
  });
}

/** What is measured, and by what the speed of the host is told meanwhile. */
export interface MeasuredPair {
  readonly run: Run;
  /** Something small that the same host computes, unless something else tells its speed. */
  readonly yardstick: Run | undefined;
  /** What of a run's time and CPU time goes by the speed of the host. */
  readonly speedMs: (elapsedMs: number, cpuMs: number) => number;
}

export interface Measurement {
  readonly samples: Samples;
  /** CPU time of all threads, in ms, over all samples. */
  readonly cpuMs: number;
  /** The same with that of the yardstick. */
  readonly totalCpuMs: number;
  /** Undefined after too few stretches. */
  readonly yardstick: YardstickReading | undefined;
}

/**
 * Samples one run after the other until the rule says enough, the yardstick in between. The end of one sample
 * is the beginning of the next: were each timed on its own, a stall of the quota that falls between two runs
 * would be no one's.
 */
export async function measure(
  { run, yardstick, speedMs }: MeasuredPair,
  rule: StoppingRule,
  heartbeat: Heartbeat,
): Promise<Measurement> {
  if (yardstick === undefined) return measureAlone(run, rule, heartbeat);
  const samples = new Samples({ ...rule, budgetMs: rule.budgetMs * (1 - YARDSTICK_SHARE) });
  const turns = new Interleaving(rule.budgetMs);
  const stretches: Interval[] = [];
  const begin = process.cpuUsage();
  let cpuMs = 0;
  while (!samples.enough) {
    const before = samples.elapsedMs;
    const runs = turns.runs();
    const cell = await timed(run, heartbeat, (done, latencyMs) => {
      samples.add(latencyMs);
      return samples.enough || done >= runs;
    });
    cpuMs += cell.cpuMs;
    const elapsedMs = samples.elapsedMs - before;
    const small = await takeTurn(yardstick, turns.yardsticks(), heartbeat);
    const yardstickMs = speedMs(small.elapsedMs / small.runs, small.cpuMs / small.runs);
    stretches.push({ runs: cell.runs, elapsedMs, yardstickMs });
    turns.learn({ run: elapsedMs / cell.runs, yardstick: small.elapsedMs / small.runs });
  }
  return {
    samples,
    cpuMs,
    totalCpuMs: cpuSinceMs(begin),
    yardstick: hostSpeed(stretches, rule.level),
  };
}

async function measureAlone(run: Run, rule: StoppingRule, heartbeat: Heartbeat): Promise<Measurement> {
  const samples = new Samples(rule);
  const { cpuMs } = await timed(run, heartbeat, (_, latencyMs) => {
    samples.add(latencyMs);
    return samples.enough;
  });
  return { samples, cpuMs, totalCpuMs: cpuMs, yardstick: undefined };
}

/** The first run finds its data out of the caches, and counts for nothing. */
async function takeTurn(yardstick: Run, runs: number, heartbeat: Heartbeat): Promise<Turn> {
  await yardstick();
  return timed(yardstick, heartbeat, (done) => done >= runs);
}

/** Runs in a row. */
interface Turn {
  readonly runs: number;
  readonly elapsedMs: number;
  readonly cpuMs: number;
}

async function timed(
  run: Run,
  heartbeat: Heartbeat,
  isLast: (done: number, latencyMs: number) => boolean,
): Promise<Turn> {
  const begin = process.cpuUsage();
  let runs = 0;
  let elapsedMs = 0;
  await loop(run, heartbeat, (latencyMs) => {
    runs += 1;
    elapsedMs += latencyMs;
    return isLast(runs, latencyMs);
  });
  return { runs, elapsedMs, cpuMs: cpuSinceMs(begin) };
}

function cpuSinceMs(begin: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1000;
}

/**
 * Mean time of something short and synchronous, in ms: at least `fewest` times, and for about `budgetMs`. As
 * much goes before without being timed: code runs several times slower until the compiler has seen enough of
 * it, and a server that has served a while is past that.
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

async function loop(run: Run, heartbeat: Heartbeat, isLast: (latencyMs: number) => boolean): Promise<void> {
  for (let begin = performance.now(); ; ) {
    await run();
    const end = performance.now();
    const wasLast = isLast(end - begin);
    begin = end;
    const pause = heartbeat();
    if (pause !== undefined) {
      await pause;
      begin = performance.now();
    }
    if (wasLast) return;
  }
}
