import { z } from 'zod';
import { parseWith } from '../../../base/schema.ts';

/** A tensor as it went in or out of an operator; types are called as the runtime does (`float`, `int64`). */
export interface TracedTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** One execution of one operator. */
export interface TracedNode {
  readonly name: string;
  readonly op: string;
  /** Without weights that the runtime has packed into a form of its own. */
  readonly inputs: readonly TracedTensor[];
  readonly outputs: readonly TracedTensor[];
  readonly durationMs: number;
}

const tensors = z.array(z.record(z.string(), z.array(z.number())));
const eventSchema = z.object({ cat: z.string(), name: z.string(), ts: z.number(), dur: z.number() });
const nodeSchema = eventSchema.extend({
  args: z.object({ op_name: z.string(), input_type_shape: tensors, output_type_shape: tensors }),
});

const KERNEL = '_kernel_time';

/**
 * Reads onnxruntime's profile (a Chrome trace): the operators of each run, in the order in which they were
 * executed. Operators inside of others, as those of a loop's body, are part of the outer ones and left out.
 *
 * @throws InflessError INVALID_INPUT for something else
 */
export function parseTrace(text: string): readonly (readonly TracedNode[])[] {
  const runs: TracedNode[][] = [];
  let begun: { readonly node: TracedNode; readonly startMicros: number }[] = [];
  for (const event of parseWith(z.array(z.unknown()), JSON.parse(text), { what: 'The operator trace' })) {
    const { cat, name, ts } = parseWith(eventSchema, event, { what: 'An event of the operator trace' });
    if (cat === 'Node' && name.endsWith(KERNEL)) {
      begun = begun.filter(({ startMicros }) => startMicros < ts); // what began later and is over was inside
      begun.push({ node: nodeOf(event), startMicros: ts });
    } else if (name === 'model_run') {
      runs.push(begun.map(({ node }) => node)); // told at its end
      begun = [];
    }
  }
  return runs;
}

function nodeOf(event: unknown): TracedNode {
  const { name, dur, args } = parseWith(nodeSchema, event, { what: 'An operator of the trace' });
  return {
    name: name.slice(0, -KERNEL.length),
    op: args.op_name,
    inputs: args.input_type_shape.flatMap(tensorsOf),
    outputs: args.output_type_shape.flatMap(tensorsOf),
    durationMs: dur / 1000,
  };
}

function tensorsOf(typed: Readonly<Record<string, readonly number[]>>): TracedTensor[] {
  return Object.entries(typed).map(([dtype, shape]) => ({ dtype, shape }));
}
