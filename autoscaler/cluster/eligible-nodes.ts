import { isSelected, kindOf, type NodeCapacity, type NodeSelector, selectorText } from './node.ts';

/** Where a function's instances may be. */
export interface EligibleNodes {
  /** Names of the nodes; undefined for all there are. */
  readonly names: ReadonlySet<string> | undefined;
  readonly nodes: readonly NodeCapacity[];
  /** One node of each kind among them. */
  readonly kinds: readonly NodeCapacity[];
}

const ANY: NodeSelector = {};

/**
 * The same nodes come back with every plan, thousands of them: what was found of them is kept as long as
 * their list.
 */
const known = new WeakMap<readonly NodeCapacity[], Map<string, EligibleNodes>>();

/**
 * The same object for the same selector.
 *
 * @param selector labels that a node must have
 */
export function eligibleNodes(nodes: readonly NodeCapacity[], selector: NodeSelector = ANY): EligibleNodes {
  let sites = known.get(nodes);
  if (sites === undefined) {
    sites = new Map();
    known.set(nodes, sites);
  }
  const key = selectorText(selector);
  let site = sites.get(key);
  if (site === undefined) {
    site = key === '' ? wholeOf(nodes) : partOf(nodes, selector);
    sites.set(key, site);
  }
  return site;
}

/** Whether instances may be on this node. */
export function includes({ names }: EligibleNodes, node: string): boolean {
  return names === undefined || names.has(node);
}

function wholeOf(nodes: readonly NodeCapacity[]): EligibleNodes {
  return { names: undefined, nodes, kinds: kindsOf(nodes) };
}

function partOf(all: readonly NodeCapacity[], selector: NodeSelector): EligibleNodes {
  const nodes = all.filter((node) => isSelected(node, selector));
  return { names: new Set(nodes.map(({ name }) => name)), nodes, kinds: kindsOf(nodes) };
}

function kindsOf(nodes: readonly NodeCapacity[]): NodeCapacity[] {
  const kinds = new Map<string, NodeCapacity>();
  for (const node of nodes) {
    const key = kindOf(node);
    if (!kinds.has(key)) kinds.set(key, node);
  }
  return [...kinds.values()];
}
