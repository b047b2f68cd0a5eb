/** Allocatable resources of one node, before any instance of ours. */
export interface NodeCapacity {
  readonly name: string;
  /** What a function's `nodeSelector` is matched with; none on a platform without labels. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly cpuMillicores: number;
  readonly memoryBytes: number;
  /** One entry a GPU, in percent of its SMs (100 = a whole free GPU). */
  readonly gpuPercents: readonly number[];
}

/** Labels, with the values that a node must have. */
export type NodeSelector = Readonly<Record<string, string>>;
