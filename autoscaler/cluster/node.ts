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

/** Whether a node has all the labels that are asked for. */
export function isSelected({ labels = {} }: Pick<NodeCapacity, 'labels'>, selector: NodeSelector): boolean {
  return Object.entries(selector).every(([label, value]) => labels[label] === value);
}

/** `gpu=a100, zone=b`, in the order of the labels. Empty where any node will do. */
export function selectorText(selector: NodeSelector): string {
  return Object.entries(selector)
    .map(([label, value]) => `${label}=${value}`)
    .sort()
    .join(', ');
}
