import { InflessError } from '../../models/base/errors.ts';
import { knownAmount, knownBytes, knownText } from './smi-values.ts';
import type { SmiGpu, SmiMigDevice, SmiReport } from './smi-xml.ts';

/** What is behind a name: a value, or more names, indented. */
interface Node {
  readonly name: string;
  readonly value: string | undefined;
  readonly indent: number;
  readonly children: Node[];
}

const CARD = /^GPU [0-9A-F]{4,8}:/;
const LINE = /^( *)([^:]+?)\s*(?: : (.*))?$/;

/**
 * Reads the text of `nvidia-smi -q`, which people send and which older tools have alone: the same facts as in
 * its XML, under other names.
 *
 * @throws InflessError PLATFORM_FAILED where it is no such text
 */
export function parseSmiText(text: string): SmiReport {
  const roots = treeOf(text);
  const driver = find(roots, 'Driver Version');
  if (driver === undefined) {
    throw new InflessError('PLATFORM_FAILED', 'nvidia-smi -q answered with something else than its list', {
      remedy: 'Look at what it prints, and at whether driver and tool are of one version.',
    });
  }
  return {
    driverVersion: knownText(driver.value),
    cudaVersion: knownText(find(roots, 'CUDA Version')?.value),
    gpus: roots.filter(({ name }) => CARD.test(name)).map(readGpu),
  };
}

function readGpu({ children }: Node): SmiGpu {
  const memory = childrenOf(children, 'FB Memory Usage');
  const power = childrenOf(children, 'GPU Power Readings', 'Power Readings');
  const mig = knownText(find(childrenOf(children, 'MIG Mode'), 'Current')?.value);
  const watts = (name: string): number | null => knownAmount(find(power, name)?.value, 'W');
  return {
    model: knownText(find(children, 'Product Name')?.value) ?? 'unknown',
    uuid: knownText(find(children, 'GPU UUID')?.value),
    architecture: knownText(find(children, 'Product Architecture')?.value),
    memoryBytes: knownBytes(find(memory, 'Total')?.value),
    computeMode: knownText(find(children, 'Compute Mode')?.value),
    usedMemoryBytes: knownBytes(find(memory, 'Used')?.value),
    utilizationPercent: utilizationOf(children),
    powerWatts: watts('Power Draw') ?? watts('Average Power Draw') ?? watts('Instantaneous Power Draw'),
    powerLimitWatts: watts('Current Power Limit') ?? watts('Power Limit'),
    migEnabled: mig === null ? null : mig === 'Enabled',
    migDevices: children.filter(({ name }) => name === 'MIG Device').map(readMigDevice),
  };
}

function utilizationOf(card: readonly Node[]): number | null {
  const utilization = childrenOf(card, 'Utilization');
  return knownAmount((find(utilization, 'GPU') ?? find(utilization, 'Gpu'))?.value, '%');
}

function readMigDevice({ children }: Node, position: number): SmiMigDevice {
  const memory = childrenOf(children, 'Shared FB Memory Usage', 'FB Memory Usage'); // the former since 590
  const shared = childrenOf(childrenOf(children, 'Device Attributes'), 'Shared');
  return {
    index: knownAmount(find(children, 'Index')?.value, '') ?? position,
    memoryBytes: knownBytes(find(memory, 'Total')?.value),
    usedMemoryBytes: knownBytes(find(memory, 'Used')?.value),
    multiprocessors: knownAmount(find(shared, 'Multiprocessor count')?.value, ''),
  };
}

function treeOf(text: string): readonly Node[] {
  const roots: Node[] = [];
  const above: Node[] = [];
  for (const line of text.split(/\r?\n/)) {
    const isCard = CARD.test(line);
    const [, spaces, name, value] = isCard ? [line, '', line.trim()] : (LINE.exec(line.trimEnd()) ?? []);
    if (name === undefined || name === '') continue;
    const node: Node = { name, value, indent: spaces!.length, children: [] };
    while (above.length > 0 && above.at(-1)!.indent >= node.indent) above.pop();
    (above.at(-1)?.children ?? roots).push(node);
    above.push(node);
  }
  return roots;
}

function find(nodes: readonly Node[], name: string): Node | undefined {
  return nodes.find((node) => node.name === name);
}

/** Of the first of these names that is there. */
function childrenOf(nodes: readonly Node[], ...names: readonly string[]): readonly Node[] {
  for (const name of names) {
    const found = find(nodes, name);
    if (found !== undefined) return found.children;
  }
  return [];
}
