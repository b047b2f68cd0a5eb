import type { Clock } from '../../../models/base/clock.ts';
import { InflessError } from '../../../models/base/errors.ts';
import { vectorOf } from '../../../models/base/resources.ts';
import type { Instance } from '../../cluster/instance.ts';
import type { NodeCapacity } from '../../cluster/node.ts';
import type { InstanceEvent, StartRequest } from '../../fleet/platform.ts';
import { NodeResources } from './node-resources.ts';
import { SimulatedInstance, type StartUp } from './simulated-instance.ts';

export interface SimulatedClusterOptions {
  readonly clock: Clock;
  readonly nodes: readonly NodeCapacity[];
  readonly startUp: (request: StartRequest) => StartUp;
}

/**
 * The simulated world: nodes and the instances on them, on the clock given. It outlives the platforms that
 * look at it, as real machines outlive an autoscaler.
 */
export class SimulatedCluster {
  readonly #options: SimulatedClusterOptions;
  readonly #nodes: ReadonlyMap<string, NodeResources>;
  readonly #instances = new Map<string, SimulatedInstance>();
  readonly #byUrl = new Map<string, SimulatedInstance>();
  #listener: ((event: InstanceEvent) => void) | undefined;
  #views: readonly Instance[] | undefined;

  constructor(options: SimulatedClusterOptions) {
    this.#options = options;
    const names = options.nodes.map(({ name }) => name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw new InflessError('INVALID_INPUT', `Two nodes are named "${twice}"`);
    this.#nodes = new Map(options.nodes.map((node) => [node.name, new NodeResources(node)]));
  }

  get nodes(): readonly NodeCapacity[] {
    return this.#options.nodes;
  }

  get instances(): readonly SimulatedInstance[] {
    return [...this.#instances.values()];
  }

  /** What a platform tells of them; the same list until something changes. */
  get views(): readonly Instance[] {
    this.#views ??= this.instances.map(({ view }) => view);
    return this.#views;
  }

  find(id: string): SimulatedInstance | undefined {
    return this.#instances.get(id);
  }

  /** The instance that answers at a URL, as long as it is there. */
  at(url: string): SimulatedInstance | undefined {
    return this.#byUrl.get(url);
  }

  /** Events go to one listener at a time; undefined for none. */
  listen(listener: ((event: InstanceEvent) => void) | undefined): void {
    this.#listener = listener;
  }

  /**
   * @throws InflessError INVALID_INPUT for an id in use or an unknown node, PLATFORM_FAILED for a full node.
   */
  start(request: StartRequest): void {
    const { id, resources, gpu } = request;
    if (this.#instances.has(id)) throw new InflessError('INVALID_INPUT', `Instance ${id} exists already`);
    const node = this.#nodes.get(request.node);
    if (node === undefined) throw new InflessError('INVALID_INPUT', `There is no node "${request.node}"`);
    const { clock, startUp } = this.#options;
    const holding = node.take(vectorOf(resources), gpu);
    const instance = new SimulatedInstance(request, holding, startUp(request), clock, {
      changed: (changed) => this.#tell({ type: 'changed', instance: changed.view }),
      gone: (gone, expected, reason) => {
        this.#instances.delete(id);
        this.#byUrl.delete(gone.url);
        node.giveBack(gone.holding);
        this.#tell({ type: 'gone', instance: gone.view, expected, reason });
      },
    });
    this.#instances.set(id, instance);
    this.#byUrl.set(instance.url, instance);
    this.#tell({ type: 'changed', instance: instance.view });
  }

  #tell(event: InstanceEvent): void {
    this.#views = undefined;
    this.#listener?.(event);
  }

  /** Ends an instance as a power cut would. */
  crash(id: string, reason = 'it crashed'): void {
    this.#instances.get(id)?.crash(reason);
  }
}
