import { z } from 'zod';
import { InflessError } from '../../../base/errors.ts';
import { parseWith } from '../../../base/schema.ts';
import type { Tracing } from '../../engine.ts';
import type { CpuNodes } from '../../tracing.ts';
import { record } from './record.ts';

/** The first ones load kernels and plan convolutions. */
const WARM_UP_RUNS = 3;
const RUNS = 10;

const CPU = 'CPUExecutionProvider';
const KERNEL = '_kernel_time';

const eventSchema = z.object({ cat: z.string(), name: z.string(), ts: z.number(), dur: z.number() });
const nodeSchema = eventSchema.extend({ args: z.object({ op_name: z.string(), provider: z.string() }) });

/** Which operators ran on the CPU although another provider was asked for; see {@link Tracing.cpuNodes}. */
export const traceCpuNodes: Tracing['cpuNodes'] = (model, resources, feeds) => {
  const goesOn = (runs: number): boolean => runs < WARM_UP_RUNS + RUNS;
  return record(model, resources, feeds, { goesOn, optimized: false }, ({ trace }) =>
    cpuNodesOf(trace, WARM_UP_RUNS),
  );
};

interface Node {
  readonly operator: string;
  readonly onCpu: boolean;
  readonly startMicros: number;
  readonly durationMicros: number;
}

/**
 * Reads from onnxruntime's profile (a Chrome trace) what ran on the CPU in a session of another provider. The
 * time of such an operator is what the CPU took for it; a run's time is that until its answers are in the
 * CPU's memory. Of an operator with others inside, as a loop, the inner ones count.
 *
 * @param skipped runs at the beginning that only warm up
 * @throws InflessError INVALID_INPUT for something else, or a trace without operators: it says nothing of
 * where they ran
 */
export function cpuNodesOf(trace: string, skipped: number): CpuNodes {
  let runs = 0;
  let runMicros = 0;
  let counted = 0;
  let nodes: Node[] = [];
  const cpuMicros = new Map<string, number>();
  for (const event of parseWith(z.array(z.unknown()), JSON.parse(trace), { what: 'The operator trace' })) {
    const { cat, name, ts, dur } = parseWith(eventSchema, event, { what: 'An event of the operator trace' });
    if (cat === 'Node' && name.endsWith(KERNEL)) {
      // What is inside is told before what it is inside of.
      if (!nodes.some((node) => isInside(node, ts, dur))) nodes.push(nodeOf(event));
    } else if (name === 'model_run') {
      runs += 1;
      if (runs > skipped) {
        runMicros += dur;
        counted += nodes.length;
        for (const { operator, onCpu, durationMicros } of nodes) {
          if (onCpu) cpuMicros.set(operator, (cpuMicros.get(operator) ?? 0) + durationMicros);
        }
      }
      nodes = [];
    }
  }
  if (counted === 0) throw new InflessError('INVALID_INPUT', 'The operator trace has no operators in it');
  const operators = [...cpuMicros]
    .map(([operator, micros]) => ({ operator, share: micros / runMicros }))
    .sort((a, b) => b.share - a.share);
  return { share: operators.reduce((sum, { share }) => sum + share, 0), operators };
}

function isInside({ startMicros, durationMicros }: Node, ts: number, dur: number): boolean {
  return startMicros >= ts && startMicros + durationMicros <= ts + dur;
}

function nodeOf(event: unknown): Node {
  const { ts, dur, args } = parseWith(nodeSchema, event, { what: 'An operator of the trace' });
  return {
    operator: args.op_name,
    onCpu: args.provider === CPU,
    startMicros: ts,
    durationMicros: dur,
  };
}
