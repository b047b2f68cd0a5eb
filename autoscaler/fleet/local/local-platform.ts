import { totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { type Cancel, type Clock, systemClock } from '../../../models/base/clock.ts';
import { InflessError, messageOf } from '../../../models/base/errors.ts';
import { availableCpuMillicores } from '../../../profiler/quota/cpu-limit.ts';
import { openQuotas, type Quota, type Quotas } from '../../../profiler/quota/quota.ts';
import type { Instance } from '../../cluster/instance.ts';
import type { NodeCapacity } from '../../cluster/node.ts';
import type {
  GpuReading,
  InstanceEvent,
  InstanceUsage,
  LogLine,
  LogQuery,
  Platform,
  StartRequest,
} from '../platform.ts';
import { adoptProcess, quotaPrefix, sweepQuotas } from './adoption.ts';
import { type GpuShare, LocalGpus, type LocalGpusParts } from './gpus.ts';
import { InstanceLogs } from './instance-logs.ts';
import { type InstanceRecord, InstanceRecords } from './instance-record.ts';
import { InstanceSecrets } from './instance-secrets.ts';
import { ReadyProbe } from './ready-probe.ts';
import { servingEnvironment } from './serving-environment.ts';
import { type StartedProcess, startServingProcess } from './serving-process.ts';
import { lockState } from './state-lock.ts';
import { SupervisedInstance, type Surroundings } from './supervised-instance.ts';

export interface LocalPlatformOptions {
  /** Where records and logs of instances are kept, below `instances/`. One autoscaler at a time. */
  readonly stateDirectory: string;
  /** How CPU is limited; default: the best mechanism that works here. */
  readonly quotas?: Quotas;
  readonly clock?: Clock;
  /** CPU of this machine that instances never get: the gateway needs some. Default 200. */
  readonly reservedCpuMillicores?: number;
  /** From the start of an instance to ready. Default 60 s. */
  readonly startTimeoutMs?: number;
  /** An instance that does not answer for so long is killed. Default 10 s. */
  readonly unreadyMs?: number;
  /**
   * Instances end by themselves when no autoscaler has asked for them for so long; 0 = never. Default 2 min.
   */
  readonly orphanMs?: number;
  /** How long `close('stop')` lets instances finish. Default 10 s. */
  readonly closeGraceMs?: number;
  /** Whether instances may use the GPUs of this machine, where there are any. Default true. */
  readonly useGpus?: boolean;
  /** Hears of what is not as it should be and hinders no one: GPUs that cannot be used, files not written. */
  readonly onNote?: (text: string) => void;
  /** See {@link LocalGpusParts}. */
  readonly tryEngine?: LocalGpusParts['tryEngine'];
}

/** How often logs are trimmed and what is left of instances is cleared away. */
const TIDY_INTERVAL_MS = 60_000;
/** What could not be cleared away is tried again soon. */
const TIDY_AGAIN_MS = 5_000;
const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** Instances as processes on this machine, each under a CPU quota. */
export class LocalPlatform implements Platform {
  readonly name = 'local';
  readonly #options: Required<Omit<LocalPlatformOptions, 'quotas' | 'tryEngine'>> &
    Pick<LocalPlatformOptions, 'tryEngine'>;
  readonly #records: InstanceRecords;
  readonly #logs: InstanceLogs;
  readonly #secrets: InstanceSecrets;
  readonly #quotaPrefix: string;
  readonly #instances = new Map<string, SupervisedInstance>();
  /** Accepted, but not yet among the instances. */
  readonly #starts = new Map<string, Promise<void>>();
  /** What those have of GPUs. */
  readonly #startingShares = new Map<string, GpuShare>();
  readonly #probe = new ReadyProbe();
  #cancelTidying: Cancel = () => {};
  #quotas: Quotas | undefined;
  #gpus: LocalGpus | undefined;
  #unlock: (() => Promise<void>) | undefined;
  #listener: ((event: InstanceEvent) => void) | undefined;

  constructor(options: LocalPlatformOptions) {
    const { quotas, ...rest } = options;
    this.#quotas = quotas;
    this.#options = {
      clock: systemClock,
      reservedCpuMillicores: 200,
      startTimeoutMs: 60_000,
      unreadyMs: 10_000,
      orphanMs: 120_000,
      closeGraceMs: 10_000,
      useGpus: true,
      onNote: () => {},
      ...rest,
      stateDirectory: resolve(options.stateDirectory),
    };
    const directory = join(this.#options.stateDirectory, 'instances');
    this.#records = new InstanceRecords(directory);
    this.#logs = new InstanceLogs(directory);
    this.#secrets = new InstanceSecrets(directory, this.#options.stateDirectory);
    this.#quotaPrefix = quotaPrefix(this.#options.stateDirectory);
  }

  /**
   * How CPU is held; known from {@link open} on. A weaker mechanism than a table's makes its figures
   * uncertain.
   */
  get quotas(): Pick<Quotas, 'mechanism' | 'weaknessReason'> {
    return this.#opened;
  }

  async open(listener: (event: InstanceEvent) => void): Promise<void> {
    this.#unlock = await lockState(this.#options.stateDirectory);
    try {
      this.#quotas ??= await openQuotas();
      const { clock, onNote: note, useGpus, tryEngine } = this.#options;
      const parts = { clock, note, ...(tryEngine === undefined ? {} : { tryEngine }) };
      this.#gpus = useGpus ? await LocalGpus.detect(parts) : undefined;
      this.#listener = listener;
      const records = await this.#records.load();
      await Promise.all(records.map((record) => this.#adopt(record)));
      const left = await this.#sweepQuotas();
      await this.#secrets.sweep(new Set(this.#instances.keys()));
      await this.#pruneLogs();
      this.#tidyLater(left ? TIDY_AGAIN_MS : TIDY_INTERVAL_MS);
    } catch (error) {
      await this.close('leave');
      throw error;
    }
  }

  async nodes(): Promise<readonly NodeCapacity[]> {
    const devices = (await this.#gpus?.devices()) ?? [];
    return [await thisMachine(this.#options.reservedCpuMillicores, devices)];
  }

  instances(): readonly Instance[] {
    return [...this.#instances.values()].map(({ view }) => view);
  }

  async start(request: StartRequest): Promise<void> {
    this.#check(request);
    const start = this.#start(request);
    this.#starts.set(request.id, start);
    try {
      await start;
    } finally {
      this.#starts.delete(request.id);
      this.#startingShares.delete(request.id);
    }
  }

  async stop(id: string, graceMs: number): Promise<void> {
    await this.#instances.get(id)?.stop(graceMs);
  }

  gpus(): readonly GpuReading[] {
    return (this.#gpus?.readings() ?? []).map((reading) => ({ node: LOCAL_NODE, ...reading }));
  }

  async usage(id: string): Promise<InstanceUsage | undefined> {
    return this.#instances.get(id)?.usage();
  }

  logs(functionName: string, query: LogQuery): AsyncIterable<LogLine> {
    return this.#logs.read(functionName, query, this.#options.clock);
  }

  async close(mode: 'leave' | 'stop'): Promise<void> {
    await Promise.allSettled(this.#starts.values());
    const all = [...this.#instances.values()];
    await Promise.all(
      all.map(async (instance) => {
        if (mode === 'leave' && instance.isAdoptable) return instance.release();
        await instance.stop(mode === 'stop' ? this.#options.closeGraceMs : 0);
        return instance.finished;
      }),
    );
    this.#cancelTidying();
    this.#listener = undefined;
    this.#instances.clear();
    await this.#probe.close();
    await this.#gpus?.close();
    this.#gpus = undefined;
    await this.#unlock?.();
    this.#unlock = undefined;
  }

  get #opened(): Quotas {
    if (this.#quotas === undefined || this.#listener === undefined)
      throw new Error('the platform is not open');
    return this.#quotas;
  }

  get #surroundings(): Surroundings {
    const { clock, startTimeoutMs, unreadyMs } = this.#options;
    return {
      clock,
      records: this.#records,
      logs: this.#logs,
      secrets: this.#secrets,
      probe: this.#probe,
      patience: { startTimeoutMs, unreadyMs },
      gpuIndexOf: (uuid) => this.#gpus?.indexOf(uuid),
      emit: (event) => {
        if (event.type === 'gone') this.#instances.delete(event.instance.id);
        this.#listener?.(event);
      },
    };
  }

  #check({ id, node }: StartRequest): void {
    if (!ID_PATTERN.test(id)) {
      throw new InflessError('INVALID_INPUT', `Instance id "${id}" is not usable`, {
        remedy: 'Use at most 100 letters, digits, dots, dashes and underscores.',
      });
    }
    if (this.#instances.has(id) || this.#starts.has(id)) {
      throw new InflessError('INVALID_INPUT', `Instance ${id} exists already`, {
        remedy: 'Choose a new id.',
      });
    }
    if (node !== LOCAL_NODE) {
      throw new InflessError('INVALID_INPUT', `There is no node "${node}"`, {
        remedy: `The local platform has one node, "${LOCAL_NODE}".`,
      });
    }
  }

  async #start(request: StartRequest): Promise<void> {
    const quota = await this.#opened.create(
      `${this.#quotaPrefix}${request.id}`,
      request.config.cpuMillicores,
    );
    let serving: StartedProcess | undefined;
    try {
      const share = this.#shareOf(request);
      if (share !== undefined) this.#startingShares.set(request.id, share);
      serving = await this.#spawn(request, share);
      await this.#putUnderQuota(serving, quota);
      if (share !== undefined) await this.#gpus?.hold(serving.identity.pid);
      const record = this.#recordOf(request, serving, quota, share);
      await this.#writeDown(record);
      serving.keep();
      this.#supervise(new SupervisedInstance(record, serving, quota, this.#surroundings));
    } catch (error) {
      await serving?.signal('SIGKILL');
      // the first error is the one to tell
      await Promise.allSettled([quota.remove(), this.#secrets.remove(request.id)]);
      throw error;
    }
  }

  /** @throws InflessError PLATFORM_FAILED for a GPU that is not there */
  #shareOf({ config, gpu = 0, resources }: StartRequest): GpuShare | undefined {
    if (config.gpuPercent === 0) return undefined;
    if (this.#gpus === undefined) {
      throw new InflessError('PLATFORM_FAILED', 'Instances may use no GPU here', {
        remedy: 'Start infless-autoscaler without --no-gpu, or set limits.gpu of the function to 0.',
      });
    }
    const memoryBytes = resources.gpuMemoryBytes === 0 ? undefined : resources.gpuMemoryBytes;
    return { slot: this.#gpus.slotAt(gpu), percent: config.gpuPercent, memoryBytes };
  }

  /** What instances have of the same GPU. */
  #othersOn(share: GpuShare): GpuShare[] {
    const { slot } = share;
    const starting = [...this.#startingShares.values()].filter(
      (other) => other !== share && other.slot === slot,
    );
    const running = [...this.#instances.values()].flatMap(({ gpu }) =>
      gpu?.uuid === slot.uuid ? [{ slot, percent: gpu.percent, memoryBytes: gpu.memoryBytes }] : [],
    );
    return [...starting, ...running];
  }

  async #spawn(request: StartRequest, share: GpuShare | undefined): Promise<StartedProcess> {
    const { id, workload } = request;
    const ofGpu = share && (await this.#gpus?.environmentFor(share, this.#othersOn(share)));
    const secretsFolder = await this.#secrets.provide(id, workload.secrets);
    const environment = servingEnvironment(request, this.#options.orphanMs, secretsFolder, ofGpu);
    const log = await this.#logs.open(id, this.#options.onNote);
    this.#logs.register(id, request.functionName);
    try {
      return await startServingProcess(environment, log);
    } finally {
      await log.close();
    }
  }

  /** On a full disk as well it serves; who comes after us then finds it by its quota, and replaces it. */
  async #writeDown(record: InstanceRecord): Promise<void> {
    try {
      await this.#records.save(record);
    } catch (error) {
      this.#options.onNote(`Instance ${record.id} runs, but is not written down: ${messageOf(error)}`);
    }
  }

  async #putUnderQuota(serving: StartedProcess, quota: Quota): Promise<void> {
    let hasEnded = false;
    void serving.ended.then(() => {
      hasEnded = true;
    });
    try {
      await quota.attach(serving.identity.pid);
    } catch (error) {
      if (!hasEnded) throw error; // one that has ended already is told as gone, with its own reason
    }
  }

  #recordOf(
    request: StartRequest,
    serving: StartedProcess,
    quota: Quota,
    share: GpuShare | undefined,
  ): InstanceRecord {
    const { id, functionName, config, node, workload } = request;
    return {
      schema: 'infless.io/local-instance/v1',
      id,
      functionName,
      version: workload.version,
      config,
      node,
      ...(share === undefined ? {} : { gpu: gpuRecordOf(share) }),
      process: serving.identity,
      quotaName: quota.name,
      port: null,
      startedAtMs: this.#options.clock.nowMs(),
      readyAtMs: null,
    };
  }

  async #adopt(record: InstanceRecord): Promise<void> {
    const quota = await this.#opened.adopt(record.quotaName);
    const { clock } = this.#options;
    const found = await adoptProcess(record, this.#probe, clock);
    if (found === undefined) {
      await this.#records.remove(record.id);
      await quota?.remove().catch(() => {}); // swept up below
      return;
    }
    // The record may have missed its last change: what the instance says itself is newer.
    const readyAtMs = record.readyAtMs ?? (found.phase === 'ready' ? clock.nowMs() : null);
    const instance = new SupervisedInstance(
      { ...record, readyAtMs },
      found.serving,
      quota,
      this.#surroundings,
    );
    await this.#adoptGpu(instance);
    this.#logs.register(record.id, record.functionName);
    this.#supervise(instance);
    if (found.phase === 'draining') instance.letFinish(this.#options.closeGraceMs);
  }

  /** Its share is of a daemon, perhaps, that is to live as long as it does. */
  async #adoptGpu({ gpu, pid }: SupervisedInstance): Promise<void> {
    const index = gpu && this.#gpus?.indexOf(gpu.uuid);
    if (gpu === undefined || index === undefined) return;
    await this.#gpus!.adopt({
      slot: this.#gpus!.slotAt(index),
      percent: gpu.percent,
      memoryBytes: gpu.memoryBytes,
    });
    await this.#gpus!.hold(pid);
  }

  #supervise(instance: SupervisedInstance): void {
    this.#instances.set(instance.view.id, instance);
    instance.watch();
    void instance.finished.then(() => this.#pruneLogs());
  }

  async #pruneLogs(): Promise<void> {
    await this.#logs.prune(new Set(this.#instances.keys())).catch(() => {}); // the next one tries again
  }

  /** Whether some are left. */
  async #sweepQuotas(): Promise<boolean> {
    const isKept = (id: string): boolean => this.#instances.has(id) || this.#starts.has(id);
    const left = await sweepQuotas(this.#opened, this.#quotaPrefix, isKept);
    for (const reason of left) this.#options.onNote(`${reason} It is tried again.`);
    return left.length > 0;
  }

  #tidyLater(afterMs: number): void {
    const { clock } = this.#options;
    this.#cancelTidying = clock.at(clock.nowMs() + afterMs, async () => {
      // what fails is tried again by the next round
      await this.#logs.trim(this.#instances.keys()).catch(() => {});
      const left = await this.#sweepQuotas().catch(() => true);
      if (this.#listener !== undefined) this.#tidyLater(left ? TIDY_AGAIN_MS : TIDY_INTERVAL_MS);
    });
  }
}

function gpuRecordOf({ slot, memoryBytes }: GpuShare): NonNullable<InstanceRecord['gpu']> {
  return { uuid: slot.uuid, ...(memoryBytes === undefined ? {} : { memoryBytes }) };
}

export const LOCAL_NODE = 'local';

/**
 * This machine as a node, without what is kept back for the autoscaler itself and whatever else runs here.
 */
export async function thisMachine(
  reservedCpuMillicores: number,
  devices: NodeCapacity['devices'],
): Promise<NodeCapacity> {
  // of our container; 0 or beyond all memory where there is none
  const limitBytes = process.constrainedMemory();
  return {
    name: LOCAL_NODE,
    shared: {
      cpuMillicores: Math.max(0, (await availableCpuMillicores()) - reservedCpuMillicores),
      memoryBytes: limitBytes > 0 ? Math.min(limitBytes, totalmem()) : totalmem(),
    },
    devices,
  };
}
