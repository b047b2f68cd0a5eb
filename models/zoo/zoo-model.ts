import type { Graph } from './graph.ts';

/** A network of the paper's evaluation that we can build: its true layers with random weights. */
export interface ZooModel {
  /** As it is written on the command line: `resnet-50`. */
  readonly name: string;
  /** One line: which network, what goes in, what comes out. */
  readonly description: string;
  /** What the paper's tables call it. */
  readonly paperName: string;
  /** Part of the file's name: raise it with every change to the graph, or old caches keep serving the old one. */
  readonly version: number;
  /** The size of the file, by which an incomplete one is told. */
  readonly sizeBytes: number;
  /** Adds inputs, layers and outputs to an empty graph. */
  build(graph: Graph): void;
}
