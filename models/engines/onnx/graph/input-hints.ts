import type { GraphProto, NodeProto } from 'onnx-buf';
import { HintCollector, type InputHints } from '../../made-up/hints.ts';
import { readModelProto } from '../skeleton.ts';

/** These hand on what they get, as far as values and places of axes go. */
const SAME: ReadonlySet<string> = new Set(['Identity', 'Cast', 'Dropout', 'Relu', 'Sigmoid', 'Tanh', 'Clip']);
/** These hand on the values in another shape. */
const SAME_VALUES: ReadonlySet<string> = new Set([
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'Expand',
]);

/** A tensor that has an input's values: with its axes where they were, or elsewhere. */
interface Alias {
  readonly input: string;
  readonly rank: number | undefined;
  readonly axesKept: boolean;
}

/** Sizes of a tensor of the file. */
type Sizes = readonly number[];

/**
 * What the graph of an ONNX file tells about what its inputs may hold: ids are below the rows of the table
 * that they are looked up in; channels and features are as many as the weights want that they meet first.
 */
export function onnxInputHints(path: string): InputHints {
  const { graph } = readModelProto(path);
  const collector = new HintCollector();
  if (graph !== undefined) new Reader(collector).read(graph);
  return collector.hints;
}

class Reader {
  readonly #collector: HintCollector;
  readonly #aliases = new Map<string, Alias>();
  readonly #tables = new Map<string, Sizes>();

  constructor(collector: HintCollector) {
    this.#collector = collector;
  }

  read(graph: GraphProto): void {
    this.#readTables(graph);
    for (const { name, type } of graph.input) {
      if (this.#tables.has(name)) continue; // a default that may be overridden
      const shape = type?.value.case === 'tensorType' ? type.value.value.shape : undefined;
      this.#aliases.set(name, { input: name, rank: shape?.dim.length, axesKept: true });
    }
    this.#follow(graph);
  }

  #readTables({ initializer }: GraphProto): void {
    for (const { name, dims } of initializer) this.#tables.set(name, dims.map(Number));
  }

  /** Subgraphs read what is around them by the same names. */
  #follow(graph: GraphProto): void {
    for (const node of graph.node) {
      this.#visit(node);
      for (const { g, graphs } of node.attribute) {
        for (const inner of g === undefined ? graphs : [g, ...graphs]) {
          this.#readTables(inner);
          this.#follow(inner);
        }
      }
    }
  }

  #visit(node: NodeProto): void {
    const { opType, input, output, attribute } = node;
    const first = this.#aliases.get(input[0] ?? '');
    if (opType === 'Constant') {
      const tensor = attribute.find(({ name }) => name === 'value')?.t;
      if (tensor !== undefined) this.#tables.set(output[0]!, tensor.dims.map(Number));
    } else if (first !== undefined && SAME.has(opType)) {
      this.#aliases.set(output[0]!, first);
    } else if (first !== undefined && SAME_VALUES.has(opType)) {
      this.#aliases.set(output[0]!, { ...first, axesKept: false });
    }
    LOOK_UPS[opType]?.(this.#seen(node));
    if (first?.axesKept === true) WANTED[opType]?.(this.#seen(node));
  }

  #seen({ input, attribute }: NodeProto): Seen {
    const alias = (place: number): Alias | undefined => this.#aliases.get(input[place] ?? '');
    return {
      sizes: (place) => this.#tables.get(input[place] ?? ''),
      int: (name, otherwise) => Number(attribute.find((each) => each.name === name)?.i ?? otherwise),
      below: (place, rows) => {
        const found = alias(place);
        if (found !== undefined && rows !== undefined) this.#collector.below(found.input, rows);
      },
      size: (axis, size) => {
        const { input: name, rank } = alias(0)!;
        const at = axis < 0 && rank !== undefined ? axis + rank : axis;
        if (size !== undefined) this.#collector.size(name, at, size);
      },
    };
  }
}

/** What a rule sees of a node. */
interface Seen {
  /** Of an operand that is a constant. */
  sizes(place: number): Sizes | undefined;
  int(name: string, otherwise: number): number;
  /** Tells that an operand is looked up among so many rows. */
  below(place: number, rows: number | undefined): void;
  /** Tells a size of the first operand; axes below 0 count from the end. */
  size(axis: number, size: number | undefined): void;
}

type Rule = (seen: Seen) => void;

const LOOK_UPS: Readonly<Record<string, Rule>> = {
  Gather: ({ sizes, int, below }) => below(1, sizes(0)?.at(int('axis', 0))),
  GatherElements: ({ sizes, int, below }) => below(1, sizes(0)?.at(int('axis', 0))),
  // of the runtime's own: ids, segments, positions, and their tables
  EmbedLayerNormalization: ({ sizes, below }) => {
    below(0, sizes(2)?.[0]);
    below(1, sizes(4)?.[0]);
  },
  GatherBlockQuantized: ({ sizes, int, below }) => below(1, sizes(0)?.at(int('gather_axis', 0))),
};

const matrix: Rule = ({ sizes, size }) => {
  const weights = sizes(1);
  if (weights !== undefined && weights.length >= 2) size(-1, weights.at(-2));
};

const convolution: Rule = ({ sizes, int, size }) => {
  const channels = sizes(1)?.[1];
  if (channels !== undefined) size(1, channels * int('group', 1));
};

const recurrent: Rule = ({ sizes, size }) => size(2, sizes(1)?.[2]);

const WANTED: Readonly<Record<string, Rule>> = {
  MatMul: matrix,
  MatMulInteger: matrix,
  Gemm: ({ sizes, int, size }) => {
    if (int('transA', 0) === 0) size(1, sizes(1)?.[int('transB', 0) === 0 ? 0 : 1]);
  },
  Conv: convolution,
  ConvInteger: convolution,
  LSTM: recurrent,
  GRU: recurrent,
  RNN: recurrent,
};
