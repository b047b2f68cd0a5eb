import { z } from 'zod';
import { parseWith } from '../../models/base/schema.ts';

/** Where the operators of a session ran. */
export interface Placement {
  /** Operators in one run, by provider. */
  readonly nodes: Readonly<Record<string, number>>;
  /** Of the time in operators, as the runtime clocks them: on the card that is until work is handed over. */
  readonly cpuShare: number;
  /** Kinds of operators on the CPU. */
  readonly cpuOperators: readonly string[];
}

const CPU = 'CPUExecutionProvider';

const eventSchema = z.object({
  cat: z.string(),
  name: z.string(),
  dur: z.number(),
  args: z.object({ provider: z.string().optional(), op_name: z.string().optional() }).optional(),
});

/**
 * Reads the engine's own profile.
 *
 * @param skipRuns at its beginning
 */
export function placementOf(text: string, skipRuns: number): Placement {
  const events = parseWith(z.array(eventSchema), JSON.parse(text), { what: "The engine's profile" });
  let run = 0;
  let runs = 0;
  const counts = new Map<string, number>();
  const times = new Map<string, number>();
  const cpuOperators = new Set<string>();
  for (const { cat, name, dur, args } of events) {
    if (name === 'model_run') {
      run += 1;
      if (run > skipRuns) runs += 1;
    }
    if (cat !== 'Node' || !name.endsWith('_kernel_time') || run < skipRuns) continue;
    const provider = args?.provider ?? 'unknown';
    counts.set(provider, (counts.get(provider) ?? 0) + 1);
    times.set(provider, (times.get(provider) ?? 0) + dur);
    if (provider === CPU) cpuOperators.add(args?.op_name ?? 'unknown');
  }
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  return {
    nodes: Object.fromEntries([...counts].map(([provider, count]) => [provider, count / Math.max(1, runs)])),
    cpuShare: total === 0 ? 0 : (times.get(CPU) ?? 0) / total,
    cpuOperators: [...cpuOperators].sort(),
  };
}
