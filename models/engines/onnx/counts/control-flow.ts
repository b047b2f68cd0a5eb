import { unknown, without } from '../../batch-axes/counts/axes.ts';
import { asValue, decidedBy, either, repeat, ruledBy } from '../../batch-axes/counts/control.ts';
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
import { combined, movedRows } from '../../batch-axes/counts/row-rules.ts';
import { along, axisOf, mixed, ONE_ROW, type Rows, rowsOf, whyMixed } from '../../batch-axes/counts/rows.ts';
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
    const decided = decidedBy('If', node.operands);
    return node.proto.output.map((_, index) => {
      const both = either(whenTrue![index], whenFalse![index]);
      return both === undefined ? both : ruledBy(decided, isValue ? asValue(both) : both);
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
    const decided = decidedBy('Loop', [turns, condition, goesOn]);
    const ends = carried.map((each) => (each !== undefined && isValue ? asValue(each) : each));
    const all = [...ends, ...given.slice(count).map((each) => each && overTurns(each, 0, isValue))];
    return all.map((each) => each && ruledBy(decided, each));
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
      if (each === undefined) return undefined;
      const part = place === undefined ? unknown([each]) : without(each, new Set([place]));
      return { ...part, rows: partOfTurn(each, place) };
    });
    const body = bodyOf('body');
    const { carried, results } = repeat(node.operands.slice(0, count), (state) => {
      const given = body([...state, ...parts]);
      return { state: given.slice(0, count).map((each) => each && carriedOn(each)), results: given };
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
  const rows = rowsOf(each);
  return {
    rank: all.rank,
    counted: unite([all.counted, turns]),
    isValue: all.isValue || isValue,
    rows:
      rows.kind === 'one'
        ? along(at)
        : movedRows(each, (own) => (at === undefined ? at : own + (own >= at ? 1 : 0))),
  };
}

/** The rows of what one turn of a scan is about. */
function partOfTurn(each: TensorFacts, place: number | undefined): Rows {
  const axis = axisOf(each);
  if (axis === undefined || place === undefined) return combined([each]);
  return axis === place ? ONE_ROW : along(axis - (axis > place ? 1 : 0));
}

/** What a scan hands on to the next turn is of all rows so far. */
function carriedOn(each: TensorFacts): TensorFacts {
  return rowsOf(each).kind === 'one' ? { ...each, rows: mixed(whyMixed('Scan')) } : each;
}

function placeOf(axis: number, along: TensorFacts | undefined): number | undefined {
  if (axis >= 0) return axis;
  return along?.rank === undefined ? undefined : axis + along.rank;
}
