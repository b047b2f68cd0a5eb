import { unknown, without } from '../../batch-axes/counts/axes.ts';
import { asValue, either, repeat } from '../../batch-axes/counts/control.ts';
import {
  anyValue,
  hasCountedAxis,
  NO_AXES,
  type Operands,
  plain,
  type TensorFacts,
  unite,
  vector,
} from '../../batch-axes/counts/facts.ts';
import { unsqueezed } from '../../batch-axes/counts/moves.ts';
import type { OnnxNode } from './onnx-node.ts';

/** Derives the results of a subgraph from its inputs. */
export type Body = (inputs: Operands) => Operands;

/** Derives the outputs of a node with subgraphs. @param bodyOf the subgraph in an attribute */
type Control = (node: OnnxNode, bodyOf: (name: string) => Body) => Operands;

const CONTROL: Readonly<Record<string, Control>> = {
  /** Branches are taken to give results of the same shape: where they do not, only running shows it. */
  If(node, bodyOf) {
    const [whenTrue, whenFalse] = ['then_branch', 'else_branch'].map((name) => bodyOf(name)([]));
    const isValue = anyValue(node.operands);
    return node.proto.output.map((_, index) => {
      const both = either(whenTrue![index], whenFalse![index]);
      return both === undefined || !isValue ? both : asValue(both);
    });
  },

  /** Scan outputs have one element for each iteration. Carried tensors are taken to grow by no iteration. */
  Loop(node, bodyOf) {
    const [turns, condition, ...start] = node.operands;
    const body = bodyOf('body');
    const count = Math.max(0, node.operands.length - 2);
    const turn = vector(0, ['shape']);
    const { carried, results } = repeat(start, (state) => {
      const [goesOn, ...given] = body([turn, condition ?? plain(0, false), ...state]);
      return { state: given.slice(0, count), results: [goesOn, ...given] };
    });
    const [goesOn, ...given] = results;
    const isValue = anyValue([turns, condition, goesOn]);
    const ends = carried.map((each) => (each !== undefined && isValue ? asValue(each) : each));
    return [...ends, ...given.slice(count).map((each) => each && overTurns(each, 0, isValue))];
  },

  /** One iteration for each element along the scanned axes. */
  Scan(node, bodyOf) {
    const walked = node.int('num_scan_inputs', 0);
    const count = node.operands.length - walked;
    const axes = node.ints('scan_input_axes') ?? [];
    const along = node.operands.slice(count);
    const places = along.map((each, index) => placeOf(axes[index] ?? 0, each));
    const parts = along.map((each, index) => {
      const place = places[index];
      return each && (place === undefined ? unknown([each]) : without(each, new Set([place])));
    });
    const body = bodyOf('body');
    const { carried, results } = repeat(node.operands.slice(0, count), (state) => {
      const given = body([...state, ...parts]);
      return { state: given.slice(0, count), results: given };
    });
    const isValue = along.some(
      (each, index) => each !== undefined && hasCountedAxis(each, places[index] ?? 0),
    );
    const outAxes = node.ints('scan_output_axes') ?? [];
    const gathered = results
      .slice(count)
      .map((each, index) => each && overTurns(each, outAxes[index] ?? 0, isValue));
    return [...carried, ...gathered];
  },
};

export const CONTROL_FLOW: ReadonlyMap<string, Control> = new Map(Object.entries(CONTROL));

/** Results of all iterations along a new axis. @param isValue whether their number depends on values */
function overTurns(each: TensorFacts, axis: number, isValue: boolean): TensorFacts {
  const all = unsqueezed(each, [axis]);
  const at = axis < 0 ? (all.rank === undefined ? undefined : axis + all.rank) : axis;
  const turns = isValue ? (at === undefined ? 'some' : new Set([at])) : NO_AXES;
  return { rank: all.rank, counted: unite([all.counted, turns]), isValue: all.isValue || isValue };
}

function placeOf(axis: number, along: TensorFacts | undefined): number | undefined {
  if (axis >= 0) return axis;
  return along?.rank === undefined ? undefined : axis + along.rank;
}
