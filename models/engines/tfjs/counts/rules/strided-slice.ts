import { unknown } from '../../../batch-axes/counts/axes.ts';
import {
  anyValue,
  hasCountedAxis,
  isValueAt,
  type TensorFacts,
  vector,
} from '../../../batch-axes/counts/facts.ts';
import type { TfNode } from '../tf-node.ts';

/** A slice such as `x[..., newaxis, 0, 1:n]`, encoded as bit masks with one bit for each part. */
export function stridedSlice(node: TfNode): TensorFacts {
  const [x, begin, end, strides] = [0, 1, 2, 3].map((place) => node.operand(place));
  const length = (begin!.elements ?? end!.elements ?? strides!.elements)?.length;
  if (length === undefined || x!.rank === undefined) {
    const isUnforeseen = anyValue([x, begin, end]);
    return isUnforeseen && anyValue([begin, end]) ? { ...unknown([x]), counted: 'some' } : unknown([x]);
  }
  const has = (mask: string, bit: number): boolean => ((node.int(`${mask}_mask`, 0) >> bit) & 1) === 1;
  const added = [...Array(length).keys()].filter((bit) => has('new_axis', bit)).length;
  const counted = new Set<number>();
  let rank = 0;
  let axis = 0;
  const keep = (isCounted: boolean): void => {
    if (isCounted) counted.add(rank);
    rank += 1;
  };
  for (let bit = 0; bit < length; bit += 1) {
    if (has('ellipsis', bit)) {
      for (let left = x!.rank - (length - 1 - added); left > 0; left -= 1, axis += 1)
        keep(hasCountedAxis(x!, axis));
    } else if (has('new_axis', bit)) {
      keep(false);
    } else {
      const isCut =
        (!has('begin', bit) && isValueAt(begin!, bit)) || (!has('end', bit) && isValueAt(end!, bit));
      if (!has('shrink_axis', bit)) keep(isCut || hasCountedAxis(x!, axis));
      axis += 1;
    }
  }
  for (; axis < x!.rank; axis += 1) keep(hasCountedAxis(x!, axis));
  const part: TensorFacts = {
    rank,
    counted: x!.counted === 'some' ? 'some' : counted,
    isValue: anyValue([x, begin, end]),
  };
  return elementsOf(node, x!, begin!, end!) ?? part;
}

/** A slice or an element of a vector whose elements are known, such as a shape. */
function elementsOf(
  node: TfNode,
  { elements }: TensorFacts,
  begin: TensorFacts,
  end: TensorFacts,
): TensorFacts | undefined {
  const [first, last] = [begin.elements?.[0], end.elements?.[0]];
  const masks = ['ellipsis_mask', 'new_axis_mask'].some((name) => node.int(name, 0) !== 0);
  const isPlain = node.numbers(3)?.[0] === 1 && begin.elements?.length === 1 && !masks;
  if (elements === undefined || !isPlain || typeof first !== 'number') return undefined;
  if (node.int('shrink_axis_mask', 0) === 1) {
    const only = elements.at(first);
    return only === undefined ? undefined : vector(0, [only]);
  }
  const from = node.int('begin_mask', 0) === 1 ? 0 : first;
  if (node.int('end_mask', 0) === 1) return vector(1, elements.slice(from));
  return typeof last === 'number' ? vector(1, elements.slice(from, last)) : undefined;
}
