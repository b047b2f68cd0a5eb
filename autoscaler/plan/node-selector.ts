import type { NodeCapacity, NodeSelector } from '../cluster/node.ts';

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
