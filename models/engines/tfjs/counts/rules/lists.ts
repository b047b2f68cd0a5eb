import { alike, mapAxes, resized, without } from '../../../batch-axes/counts/axes.ts';
import { either } from '../../../batch-axes/counts/control.ts';
import {
  anyValue,
  hasCountedAxis,
  type Operands,
  plain,
  type TensorFacts,
  unite,
  vector,
} from '../../../batch-axes/counts/facts.ts';
import { unsqueezed } from '../../../batch-axes/counts/moves.ts';
import { gathered } from '../../../batch-axes/counts/picks.ts';
import { range } from '../../../batch-axes/counts/shapes.ts';
import type { Rules, TfNode } from '../tf-node.ts';

/** Lists of tensors. The facts about a list are those about its elements stacked along a new first axis. */
export const LISTS: Rules = {
  EmptyTensorList: (node) => empty(node, 0),
  TensorListReserve: (node) => empty(node, 0, node.operand(1)),
  TensorListFromTensor: (node) => node.operand(0),
  TensorListScatter: (node) => node.operand(0),
  TensorListScatterV2: (node) => node.operand(0),
  TensorListSetItem: (node) => withItem(node.operand(0), node.operand(2)),
  TensorListPushBack: (node) => withItem(node.operand(0), node.operand(1)),
  TensorListPopBack: (node) => [node.operand(0), itemOf(node.operand(0))],
  TensorListGetItem: (node) => itemOf(node.operand(0)),
  TensorListGather: (node) => gathered(node.operand(0), node.operand(1), 0),
  TensorListStack: (node) => node.operand(0),
  TensorListConcat: (node) => joinedItems(node.operand(0)),
  TensorListConcatV2: (node) => joinedItems(node.operand(0)),
  TensorListSplit: (node) => splitItems(node.operand(0), node.operand(2)),
  TensorListResize: (node) => resized(node.operand(0), 0, anyValue([node.operand(1)])),
  TensorListLength: (node) => lengthOf(node.operand(0)),
  // An array comes as a handle and a flow: the flow stands for what it holds.
  TensorArrayV3(node) {
    const held = { ...range([node.operand(0)]), rank: undefined };
    return [held, held];
  },
  TensorArrayWriteV3: (node) => withItem(node.operand(3), node.operand(2)),
  TensorArrayScatterV3: (node) => either(node.operand(3), node.operand(2))!,
  TensorArraySplitV3: (node) => either(node.operand(3), splitItems(node.operand(1), node.operand(2)))!,
  TensorArrayReadV3: (node) => itemOf(node.operand(2)),
  TensorArrayGatherV3: (node) => gathered(node.operand(2), node.operand(1), 0),
  TensorArrayConcatV3: (node) => joinedItems(node.operand(1)),
  TensorArraySizeV3: (node) => lengthOf(node.operand(1)),
};

/** @param shapeAt the operand with the shape of an element */
function empty(node: TfNode, shapeAt: number, length?: TensorFacts): TensorFacts {
  const { rank, elements } = node.operand(shapeAt);
  const held = {
    ...plain(undefined, false),
    ...(rank === 1 && elements ? { rank: elements.length + 1 } : {}),
  };
  return length !== undefined && anyValue([length]) ? { ...held, counted: new Set([0]) } : held;
}

function withItem(list: TensorFacts, item: TensorFacts): TensorFacts {
  return either(list, unsqueezed(item, [0]))!;
}

function itemOf(list: TensorFacts): TensorFacts {
  return without(list, new Set([0]));
}

function lengthOf(list: TensorFacts): TensorFacts {
  return vector(0, [hasCountedAxis(list, 0) ? 'value' : 'shape']);
}

/** All elements one after the other, and how long each is. */
function joinedItems(list: TensorFacts): Operands {
  const rank = list.rank === undefined ? undefined : list.rank - 1;
  const counted = mapAxes(list.counted, (axis) => Math.max(0, axis - 1));
  return [{ rank, counted, isValue: anyValue([list]) }, plain(1, anyValue([list]))];
}

function splitItems(x: TensorFacts, lengths: TensorFacts): TensorFacts {
  const items = unsqueezed(x, [0]);
  const ofLengths = anyValue([lengths]) ? new Set([1]) : new Set<number>();
  return { ...alike(items, [x, lengths]), counted: unite([items.counted, ofLengths]) };
}
