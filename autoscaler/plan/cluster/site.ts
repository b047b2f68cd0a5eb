import type { NodeCapacity } from '../../platforms/platform.ts';
import type { NodeSelector } from '../model.ts';

/** Where a function's instances may be. */
export interface Site {
  /** Names of the nodes; undefined for all there are. */
  readonly names: ReadonlySet<string> | undefined;
  readonly nodes: readonly NodeCapacity[];
  /** One node of each kind among them. */
  readonly kinds: readonly NodeCapacity[];
}

const ANY: NodeSelector = {};

/** The same nodes come back with every plan, thousands of them: what was found of them is kept as long as their list. */
const known = new WeakMap<readonly NodeCapacity[], Map<string, Site>>();

/** @param selector labels that a node must have */
export function siteOf(nodes: readonly NodeCapacity[], selector: NodeSelector = ANY): Site {
  let sites = known.get(nodes);
  if (sites === undefined) {
    sites = new Map();
    known.set(nodes, sites);
  }
  const key = keyOf(selector);
  let site = sites.get(key);
  if (site === undefined) {
    site = key === '' ? wholeOf(nodes) : partOf(nodes, selector);
    sites.set(key, site);
  }
  return site;
}

/** Whether a node has all the labels. */
export function isSelected({ labels = {} }: NodeCapacity, selector: NodeSelector): boolean {
  return Object.entries(selector).every(([label, value]) => labels[label] === value);
}

/** `gpu=a100, zone=b`, in the order of the labels. Empty where any node will do. */
export function selectorText(selector: NodeSelector): string {
  return Object.entries(selector)
    .map(([label, value]) => `${label}=${value}`)
    .sort()
    .join(', ');
}

function wholeOf(nodes: readonly NodeCapacity[]): Site {
  return { names: undefined, nodes, kinds: kindsOf(nodes) };
}

function partOf(all: readonly NodeCapacity[], selector: NodeSelector): Site {
  const nodes = all.filter((node) => isSelected(node, selector));
  return { names: new Set(nodes.map(({ name }) => name)), nodes, kinds: kindsOf(nodes) };
}

function keyOf(selector: NodeSelector): string {
  for (const _ in selector) return JSON.stringify(Object.entries(selector).sort());
  return '';
}

function kindsOf(nodes: readonly NodeCapacity[]): NodeCapacity[] {
  const kinds = new Map<string, NodeCapacity>();
  for (const node of nodes) {
    const key = `${node.cpuMillicores}/${node.memoryBytes}/${Math.max(0, ...node.gpuPercents)}`;
    if (!kinds.has(key)) kinds.set(key, node);
  }
  return [...kinds.values()];
}
