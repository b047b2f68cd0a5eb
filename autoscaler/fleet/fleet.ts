import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Clock } from '../../models/base/clock.ts';
import { type Vector, vectorOf } from '../../models/base/resources.ts';
import type { StartAction } from '../cluster/actions.ts';
import type { Instance, InstanceEndpoint } from '../cluster/instance.ts';
import type { NodeCapacity } from '../cluster/node.ts';
import type { ClusterSnapshot, PlacedInstance } from '../cluster/snapshot.ts';
import {
  type FleetFunction,
  type HeldResources,
  snapshotCluster,
  sumHeldByNode,
} from './cluster-snapshot.ts';
import { InstanceHealth } from './instance-health.ts';
import { InstanceIndex } from './instance-index.ts';
import type { InstanceEvent, Platform } from './platform.ts';

export interface FleetParts {
  readonly platform: Platform;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long an instance may finish what it runs when it is stopped. */
  readonly drainMs: number;
  /** Whether instances may be started and stopped at this moment. Where not, asking for it does nothing. */
  readonly mayAct: () => boolean;
}

/** One that fails whatever it is given has nothing to finish, and holds what its successor needs. */
const HOPELESS_DRAIN_MS = 1_000;

/** All instances, of all functions: what is known of them, and what is done with them. */
export class Fleet {
  readonly #parts: FleetParts;
  readonly #functions: ReadonlyMap<string, FleetFunction>;
  readonly #index = new InstanceIndex();
  readonly #health = new InstanceHealth();
  /** Memory that the instances hold, for when their function is not there any more to say. */
  readonly #needs = new Map<string, Vector>();
  /** What is held of nodes, each for its list of instances as long as that is the same. */
  #held = new WeakMap<readonly Instance[], HeldResources>();
  /** Functions of which an instance is left alone for a while, since it failed a batch. */
  readonly #quarantined = new Set<string>();
  /** Instances that may have to go whatever is planned. */
  readonly #removalCandidates = new Set<string>();
  /** Functions that are not there, but will be. */
  readonly #spared = new Set<string>();

  constructor(parts: FleetParts, functions: ReadonlyMap<string, FleetFunction>) {
    this.#parts = parts;
    this.#functions = functions;
  }

  /** The same list until one of them changes. */
  of(functionName: string): readonly Instance[] {
    return this.#index.of(functionName);
  }

  find(id: string): Instance | undefined {
    return this.#index.find(id);
  }

  isStarting(functionName: string): boolean {
    return this.of(functionName).some(({ phase }) => phase === 'starting');
  }

  /** As planners see them. */
  snapshot(nodes: readonly NodeCapacity[]): ClusterSnapshot {
    return this.#snapshotOf(nodes, this.#index.all);
  }

  /** As planners see them that plan for some functions only: what others have is put together by node. */
  snapshotFor(functionNames: ReadonlySet<string>, nodes: readonly NodeCapacity[]): ClusterSnapshot {
    const own = [...functionNames].flatMap((name) => this.of(name));
    const seen = this.#snapshotOf(nodes, own);
    const instances = [...seen.instances];
    const leaving = [...seen.leaving];
    const shared = new Set(own.map(({ node }) => node));
    for (const node of this.#index.nodes) {
      const room = shared.has(node) ? this.#heldByOthers(functionNames, node) : this.#heldOn(node);
      instances.push(...room.instances);
      leaving.push(...room.leaving);
    }
    return { nodes, instances, leaving };
  }

  /** Those of one function that are not on their way out, as planners see them. */
  planned(instances: readonly Instance[]): readonly PlacedInstance[] {
    return this.#snapshotOf([], instances).instances;
  }

  /** Keeps up with what the platform tells. Returns whether an instance is gone that never worked. */
  note(event: InstanceEvent): boolean {
    this.#index.note(event);
    const { id, functionName } = event.instance;
    if (event.type !== 'gone') {
      if (!this.#functions.has(functionName)) this.#removalCandidates.add(id);
      return false;
    }
    const neverWorked = event.instance.phase === 'starting' || !this.#health.hasAnswered(id);
    this.#health.forget(id);
    this.#needs.delete(id);
    this.#removalCandidates.delete(id);
    return neverWorked && !event.expected;
  }

  /** A function was deployed: its instances may be others' now, or hold something else. */
  adopt(): void {
    this.#held = new WeakMap();
  }

  /** A function is not there, and its instances are to stay nevertheless. */
  retain(functionName: string): void {
    this.#spared.add(functionName);
  }

  /** A function is there no more. */
  abandon(functionName: string): void {
    this.#held = new WeakMap();
    this.#spared.delete(functionName);
    for (const { id } of this.of(functionName)) this.#removalCandidates.add(id);
  }

  answered(id: string): void {
    this.#health.answered(id);
  }

  /**
   * An instance failed a batch: it is left alone for a while, and given up if that goes on, or at once where
   * its inference thread is stuck.
   */
  failedBatch(functionName: string, id: string, how: 'failed' | 'silent' | 'stuck'): void {
    this.#health.failed(id, this.#parts.clock.nowMs(), how);
    this.#quarantined.add(functionName);
    if (this.#health.failedForGood(id)) this.#removalCandidates.add(id);
  }

  /** Functions of which an instance was under suspicion when last asked: it may be used again by now. */
  takeQuarantined(): readonly string[] {
    const names = [...this.#quarantined];
    const nowMs = this.#parts.clock.nowMs();
    for (const name of names) {
      if (!this.of(name).some(({ id }) => this.#health.isSuspect(id, nowMs))) this.#quarantined.delete(name);
    }
    return names;
  }

  /** Those that can be sent batches. */
  serving(functionName: string): InstanceEndpoint[] {
    const nowMs = this.#parts.clock.nowMs();
    return this.of(functionName).flatMap(({ id, config, url, phase }) =>
      phase === 'ready' && url !== undefined && !this.#health.isSuspect(id, nowMs)
        ? [{ id, config, url }]
        : [],
    );
  }

  /** Stops instances of functions that are not there, and those that fail whatever they are given. */
  async stopUnwanted(): Promise<void> {
    for (const id of [...this.#removalCandidates]) {
      const functionName = this.#index.find(id)?.functionName;
      const isWanted =
        functionName !== undefined &&
        (this.#functions.has(functionName) || this.#spared.has(functionName)) &&
        !this.#health.failedForGood(id);
      if (isWanted) this.#removalCandidates.delete(id);
      else await this.stop(id, this.#health.failedForGood(id) ? HOPELESS_DRAIN_MS : undefined);
    }
  }

  async stop(id: string, graceMs?: number): Promise<void> {
    const { platform, logger, drainMs, mayAct } = this.#parts;
    const instance = this.#index.find(id);
    if (instance === undefined || instance.phase === 'draining' || !mayAct()) return;
    logger.info({ function: instance.functionName, instance: id }, 'stopping an instance');
    await platform.stop(id, graceMs ?? drainMs);
  }

  /** @throws what the platform does when it does not accept the start */
  async start(
    owner: FleetFunction,
    { config, node, gpu }: Pick<StartAction, 'config' | 'node' | 'gpu'>,
  ): Promise<void> {
    const { platform, logger, mayAct } = this.#parts;
    if (!mayAct()) return;
    const { name: functionName, workload } = owner;
    const id = `${functionName}-${randomUUID().slice(0, 8)}`;
    const where = { node, ...(gpu === undefined ? {} : { gpu }) };
    logger.info({ function: functionName, instance: id, config, ...where }, 'starting an instance');
    const resources = owner.resources(config);
    this.#needs.set(id, vectorOf(resources));
    try {
      await platform.start({ id, functionName, config, ...where, resources, workload });
    } catch (error) {
      this.#needs.delete(id);
      throw error;
    }
  }

  #heldOn(node: string): HeldResources {
    const instances = this.#index.on(node);
    let room = this.#held.get(instances);
    if (room === undefined) {
      room = this.#sumHeld(instances);
      this.#held.set(instances, room);
    }
    return room;
  }

  #heldByOthers(functionNames: ReadonlySet<string>, node: string): HeldResources {
    return this.#sumHeld(this.#index.on(node).filter(({ functionName }) => !functionNames.has(functionName)));
  }

  #sumHeld(instances: readonly Instance[]): HeldResources {
    return sumHeldByNode(
      instances,
      ({ phase, functionName }) => phase === 'draining' || !this.#functions.has(functionName),
      (instance) => this.#needsOf(instance),
    );
  }

  #snapshotOf(nodes: readonly NodeCapacity[], instances: Iterable<Instance>): ClusterSnapshot {
    return snapshotCluster(nodes, instances, this.#functions, (instance) => this.#needsOf(instance));
  }

  /**
   * Of an instance whose function is gone and that an earlier life has started, only what its config says is
   * known.
   */
  #needsOf({ id, functionName, config }: Instance): Vector {
    const known = this.#needs.get(id);
    if (known !== undefined) return known;
    const { cpuMillicores, gpuPercent } = config;
    return vectorOf(this.#functions.get(functionName)?.resources(config) ?? { cpuMillicores, gpuPercent });
  }
}
