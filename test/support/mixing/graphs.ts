import { type Random, seededRandom } from '../../../models/base/random.ts';
import type { DType } from '../../../models/manifest/tensor.ts';
import { body, floatsOfRank, type NodeInit, node } from '../onnx-nodes.ts';
import { floatWeights, type TinyGraph, tensorInfo } from '../tiny-models.ts';
import { APART, CONSTANTS, KINDS, type Piece, type Place, WHOLE } from './kinds.ts';

/** A graph whose rows depend on each other, or do not, by the way it was made. */
export interface MixingGraph {
  /** Kind, place, element types and shape, for people. */
  readonly name: string;
  readonly isDependent: boolean;
  readonly batchAxis: number;
  readonly graph: TinyGraph;
}

type Weights = NonNullable<TinyGraph['weights']>;

/** Shapes with a free batch. */
const LAYOUTS = {
  vectors: { dims: ['batch', 6], batchAxis: 0, otherAxis: 1 },
  unnamed: { dims: ['', 5], batchAxis: 0, otherAxis: 1 },
  sequences: { dims: ['batch', 4, 6], batchAxis: 0, otherAxis: 1 },
  stepsFirst: { dims: [4, 'batch', 6], batchAxis: 1, otherAxis: 0 },
  images: { dims: ['n', 2, 3, 4], batchAxis: 0, otherAxis: 2 },
} as const;

const INPUTS = ['float32', 'float64', 'float16', 'int32', 'int64', 'uint8'] as const;
const HEADS = ['floats', 'labels', 'flags', 'whole', 'half'] as const;
const PLACES = ['first', 'middle', 'last', 'branch'] as const;

const ELEMENT = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10, float64: 11 } as const;

/** Kinds that mix rows whatever axis they are told, by multiplying across all others. */
const ALWAYS_ACROSS: ReadonlySet<string> = new Set(['similar']);

/** A graph of a generator: kind of dependence × place in the graph × element types × shape. */
export function mixingGraph(seed: number, isDependent: boolean): MixingGraph {
  const random = seededRandom(seed);
  const layout = pick(random, Object.keys(LAYOUTS) as (keyof typeof LAYOUTS)[]);
  const { dims, batchAxis, otherAxis } = LAYOUTS[layout];
  const input = pick(random, INPUTS);
  const head = pick(random, HEADS);
  const where = pick(random, PLACES);
  const width = dims.at(-1) as number;
  const place = { rank: dims.length, batchAxis, otherAxis, width };
  const [kind, make] = isDependent ? dependentKind(random, place) : apartKind(random, place);
  const writer = new Writer(random, place);
  writer.take(input);
  if (where !== 'first') writer.layer();
  if (where === 'last') writer.layer();
  if (where === 'branch') writer.insideBranch(make);
  else writer.put(make);
  if (where !== 'last') writer.layer();
  const [outDims, output] = writer.finish(head, dims);
  return {
    name: `${isDependent ? 'dependent' : 'independent'}: ${kind}, ${where}, ${layout}, ${input} to ${output}`,
    isDependent,
    batchAxis,
    graph: {
      inputs: [tensorInfo('x', input, dims)],
      outputs: [tensorInfo('y', output, outDims)],
      nodes: writer.nodes,
      weights: [...CONSTANTS, ...writer.weights],
    },
  };
}

type Make = (at: Place) => Piece;

function dependentKind(random: Random, { batchAxis }: Omit<Place, 'name'>): readonly [string, Make] {
  const along = Object.entries(KINDS).map(
    ([name, kind]) => [name, (at: Place) => kind(at, batchAxis)] as const,
  );
  return pick(random, [...along, ...Object.entries<Make>(WHOLE)]);
}

function apartKind(random: Random, { otherAxis }: Omit<Place, 'name'>): readonly [string, Make] {
  const along = Object.entries(KINDS)
    .filter(([name]) => !ALWAYS_ACROSS.has(name))
    .map(([name, kind]) => [name, (at: Place) => kind(at, otherAxis)] as const);
  return pick(random, [...along, ...Object.entries<Make>(APART)]);
}

/** Writes a graph from its input to its output. */
class Writer {
  readonly nodes: NodeInit[] = [];
  readonly weights: Weights[number][] = [];
  readonly #random: Random;
  readonly #place: Omit<Place, 'name'>;
  #name = '';
  #count = 0;

  constructor(random: Random, place: Omit<Place, 'name'>) {
    this.#random = random;
    this.#place = place;
  }

  take(dtype: keyof typeof ELEMENT): void {
    this.#name = 't0';
    this.nodes.push(dtype === 'float32' ? node('Identity', 'x', 't0') : node('Cast', 'x', 't0', { to: 1 }));
  }

  /** A dense layer along the last axis, with or without a bend. */
  layer(): void {
    const { width } = this.#place;
    const [from, to] = [this.#name, this.#next()];
    const weights = Array.from({ length: width * width }, () => this.#random() - 0.4);
    this.weights.push(floatWeights(`${to}.weights`, [width, width], weights));
    this.nodes.push(node('MatMul', `${from} ${to}.weights`, `${to}.dense`));
    this.nodes.push(node(pick(this.#random, ['Identity', 'Relu', 'Softplus']), `${to}.dense`, to));
  }

  put(make: Make): void {
    const { nodes, weights = [] } = make({ ...this.#place, name: this.#name });
    this.nodes.push(...nodes);
    this.weights.push(...weights);
    this.#name = `${this.#name}.y`;
  }

  /** The effect inside a branch that is always taken. */
  insideBranch(make: Make): void {
    const from = this.#name;
    const { nodes, weights = [] } = make({ ...this.#place, name: from });
    const to = this.#next();
    this.weights.push(...weights);
    this.weights.push({ name: `${to}.is`, dims: [], dataType: ELEMENT.bool, int32Data: [1] });
    const result = floatsOfRank(`${from}.y`, this.#place.rank);
    const idle = floatsOfRank(`${to}.idle`, this.#place.rank);
    this.nodes.push(
      node('If', `${to}.is`, to, {
        then_branch: body(nodes, [result]),
        else_branch: body([node('Identity', from, `${to}.idle`)], [idle]),
      }),
    );
  }

  /** @returns the shape and the element type of the output `y` */
  finish(
    head: (typeof HEADS)[number],
    dims: readonly (number | string)[],
  ): readonly [(number | string)[], DType] {
    const from = this.#name;
    const free = dims.map((dim) => dim);
    switch (head) {
      case 'labels':
        this.nodes.push(node('ArgMax', from, 'y', { axis: -1, keepdims: 0 }));
        return [free.slice(0, -1), 'int64'];
      case 'flags':
        this.nodes.push(node('Greater', `${from} half`, 'y'));
        return [free, 'bool'];
      case 'whole':
        this.weights.push(floatWeights('hundred', [], [100]));
        this.nodes.push(
          node('Mul', `${from} hundred`, 'scaled'),
          node('Cast', 'scaled', 'y', { to: ELEMENT.int32 }),
        );
        return [free, 'int32'];
      case 'half':
        this.nodes.push(node('Cast', from, 'y', { to: ELEMENT.float16 }));
        return [free, 'float16'];
      default:
        this.nodes.push(node('Identity', from, 'y'));
        return [free, 'float32'];
    }
  }

  /** The name of the next tensor, which is then the last. */
  #next(): string {
    this.#count += 1;
    this.#name = `t${this.#count}`;
    return this.#name;
  }
}

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!;
}
