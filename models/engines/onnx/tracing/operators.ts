import type { Tracing } from '../../engine.ts';
import type { Operator } from '../../tracing.ts';
import { type GraphNode, readGraph } from './graph.ts';
import { record } from './record.ts';
import { parseTrace, type TracedNode } from './trace.ts';

/** The operators of each run of a model; see {@link Tracing.operators}. */
export const traceOperators: Tracing['operators'] = (model, resources, feeds, { runs, timeMs }) => {
  const begin = performance.now();
  const goesOn = (done: number): boolean => done < runs || performance.now() - begin < timeMs;
  return record(model, resources, feeds, { goesOn, optimized: true }, ({ trace, optimizedFile }) => {
    const nodes = new Map(readGraph(optimizedFile).map((node) => [node.name, node]));
    return parseTrace(trace).map((run) =>
      run.map((traced) => ({
        operator: operatorOf(traced, nodes.get(traced.name)),
        durationMs: traced.durationMs,
      })),
    );
  });
};

/** What the trace and the graph say of a node, together. */
export function operatorOf(traced: TracedNode, node: GraphNode | undefined): Operator {
  return {
    kind: kindOf(traced, node),
    dtype: traced.inputs[0]?.dtype ?? traced.outputs[0]?.dtype ?? '',
    inputs: traced.inputs.map((tensor) => [...tensor.shape]),
    outputs: traced.outputs.map((tensor) => [...tensor.shape]),
    weights: (node?.weights ?? []).map((each) => [...each]),
    window: node?.window ?? 1,
  };
}

function kindOf({ op }: TracedNode, node: GraphNode | undefined): string {
  const library = node?.domain.split('.').at(-1) ?? '';
  const name = library === '' || library === 'onnx' ? op : `${library}.${op}`;
  if (!op.endsWith('Conv') || node === undefined) return name;
  if (node.group > 1) return `${name}/${node.weights[0]?.[1] === 1 ? 'depthwise' : 'grouped'}`;
  return `${name}/${node.window === 1 ? 'pointwise' : 'spatial'}`;
}
