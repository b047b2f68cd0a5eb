import type { Cancel, Clock } from '../../../models/base/clock.ts';
import { processCpuMs, processResidentBytes } from '../../../models/base/process-stat.ts';
import { formatDuration } from '../../../models/base/units.ts';
import type { Quota } from '../../../profiler/quota/quota.ts';
import type { Instance, InstancePhase } from '../../cluster/instance.ts';
import type { InstanceEvent, InstanceTimeouts, InstanceUsage } from '../platform.ts';
import type { InstanceLogs } from './instance-logs.ts';
import type { InstanceRecord, InstanceRecords } from './instance-record.ts';
import type { InstanceSecrets } from './instance-secrets.ts';
import { instanceUrl, type ReadyProbe } from './ready-probe.ts';
import type { ServingProcess } from './serving-process.ts';

export interface Surroundings {
  readonly clock: Clock;
  readonly records: InstanceRecords;
  readonly logs: InstanceLogs;
  readonly secrets: InstanceSecrets;
  readonly probe: ReadyProbe;
  readonly patience: InstanceTimeouts;
  readonly emit: (event: InstanceEvent) => void;
  /** Which of the node's GPUs it is, where it is still there. */
  readonly gpuIndexOf: (uuid: string) => number | undefined;
}

const FIRST_LOOK_MS = 20;
const SLOWEST_START_LOOK_MS = 200;
const LIVENESS_LOOK_MS = 1_000;
const PROBE_TIMEOUT_MS = 2_000;

/** Looks after one serving process from its start, or its adoption, until it is gone and cleared away. */
export class SupervisedInstance {
  /** Resolves when it is gone and nothing of it is left but its log. */
  readonly finished: Promise<void>;
  readonly #process: ServingProcess;
  readonly #quota: Quota | undefined;
  readonly #around: Surroundings;
  #record: InstanceRecord;
  #phase: InstancePhase;
  /** Set when we end it ourselves; otherwise its end is a surprise. */
  #verdict: { readonly expected: boolean; readonly reason: string } | undefined;
  #isOver = false;
  #lastAnswerAtMs: number;
  #saved: Promise<void> = Promise.resolve();
  readonly #timers = new Set<Cancel>();

  constructor(
    record: InstanceRecord,
    serving: ServingProcess,
    quota: Quota | undefined,
    around: Surroundings,
  ) {
    this.#record = record;
    this.#process = serving;
    this.#quota = quota;
    this.#around = around;
    this.#phase = record.readyAtMs === null ? 'starting' : 'ready';
    this.#lastAnswerAtMs = around.clock.nowMs();
    this.finished = serving.ended.then((how) => this.#finish(how));
  }

  get view(): Instance {
    const { id, functionName, version, config, node, gpu, port, startedAtMs, readyAtMs } = this.#record;
    const index = gpu && this.#around.gpuIndexOf(gpu.uuid);
    return {
      id,
      functionName,
      version,
      config,
      node,
      ...(index === undefined ? {} : { gpu: index }),
      phase: this.#phase,
      url: readyAtMs === null || port === null ? undefined : instanceUrl(port),
      startedAtMs,
      readyAtMs: readyAtMs ?? undefined,
    };
  }

  /** Its share of a GPU. */
  get gpu(): (NonNullable<InstanceRecord['gpu']> & { readonly percent: number }) | undefined {
    const { gpu, config } = this.#record;
    return gpu && { ...gpu, percent: config.gpuPercent };
  }

  get pid(): number {
    return this.#process.identity.pid;
  }

  /** Whether the next autoscaler could find it again. */
  get isAdoptable(): boolean {
    return this.#record.port !== null;
  }

  /** Begins to watch it; its events come from now on. */
  watch(): void {
    this.#tellChange();
    if (this.#phase === 'starting') this.#watchStart();
    void this.#process.port.then((port) => this.#watchAnswers(port));
  }

  /** Asks it to finish what it has and to end, and ends it after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    if (this.#isOver || this.#phase === 'draining') return;
    this.letFinish(graceMs);
    await this.#process.signal('SIGTERM');
  }

  /** The same for one that has been asked already: a second SIGTERM would end it at once. */
  letFinish(graceMs: number): void {
    this.#verdict = { expected: true, reason: 'it was stopped' };
    this.#phase = 'draining';
    this.#tellChange();
    this.#after(graceMs, () => {
      const reason = `it was stopped, and killed when it was not done after ${formatDuration(graceMs)}`;
      this.#verdict = { expected: true, reason };
      void this.#process.signal('SIGKILL');
    });
  }

  async usage(): Promise<InstanceUsage | undefined> {
    if (this.#isOver) return undefined;
    const { pid } = this.#process.identity;
    const [counted, memoryBytes] = await Promise.all([this.#quota?.stat(), processResidentBytes(pid)]);
    const cpuMs = counted?.cpuMs ?? (await processCpuMs(pid));
    return cpuMs === undefined || memoryBytes === undefined ? undefined : { cpuMs, memoryBytes };
  }

  /** Stops watching and lets it run, for another autoscaler to adopt. */
  async release(): Promise<void> {
    this.#end();
    this.#process.release();
    await this.#saved;
  }

  /** Ends it at once, because of what is wrong with it. */
  #condemn(reason: string): void {
    if (this.#isOver || this.#verdict !== undefined) return;
    this.#verdict = { expected: false, reason };
    void this.#process.signal('SIGKILL');
  }

  #watchStart(): void {
    const { startTimeoutMs } = this.#around.patience;
    this.#after(this.#record.startedAtMs + startTimeoutMs - this.#around.clock.nowMs(), () => {
      if (this.#phase === 'starting') {
        this.#condemn(`it was not ready within ${formatDuration(startTimeoutMs)}`);
      }
    });
  }

  async #watchAnswers(port: number): Promise<void> {
    if (this.#record.port !== port) await this.#save({ port });
    // While it drains as well: being asked is what tells it that it is no orphan.
    for (let pauseMs = FIRST_LOOK_MS; !this.#isOver; ) {
      await this.#look(port);
      await this.#pause(this.#phase === 'starting' ? pauseMs : LIVENESS_LOOK_MS);
      pauseMs = Math.min(pauseMs * 1.5, SLOWEST_START_LOOK_MS);
    }
  }

  async #look(port: number): Promise<void> {
    const { unreadyMs } = this.#around.patience;
    const answer = await this.#around.probe.ask(port, Math.min(PROBE_TIMEOUT_MS, unreadyMs));
    if (this.#isOver || this.#phase === 'draining') return;
    const nowMs = this.#around.clock.nowMs();
    if (answer.kind !== 'silent') this.#lastAnswerAtMs = nowMs;
    if (this.#phase === 'starting' && answer.kind === 'ready') {
      this.#phase = 'ready';
      const saved = this.#save({ readyAtMs: nowMs });
      this.#tellChange();
      await saved;
    }
    if (this.#phase === 'ready' && nowMs - this.#lastAnswerAtMs >= unreadyMs) {
      this.#condemn(`it gave no answer for ${formatDuration(unreadyMs)}`);
    }
  }

  async #finish(how: string): Promise<void> {
    if (this.#isOver) return;
    this.#end();
    const { expected, reason } = this.#verdict ?? { expected: false, reason: how };
    const stderrTail = expected ? '' : await this.#around.logs.tail(this.#record.id);
    this.#around.emit({
      type: 'gone',
      instance: this.view,
      expected,
      reason: stderrTail === '' ? reason : `${reason}: ${stderrTail}`,
      publicReason: reason,
    });
    await this.#saved;
    // What cannot be cleared away now is found again by its platform, which sweeps up from time to time.
    const { records, secrets } = this.#around;
    const { id } = this.#record;
    await Promise.allSettled([this.#quota?.remove(), records.remove(id), secrets.remove(id)]);
  }

  #end(): void {
    this.#isOver = true;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  #tellChange(): void {
    this.#around.emit({ type: 'changed', instance: this.view });
  }

  /** One write after the other, so that an older state never ends up over a newer one. */
  #save(change: Partial<InstanceRecord>): Promise<void> {
    this.#record = { ...this.#record, ...change };
    const record = this.#record;
    this.#saved = this.#saved.then(() => this.#around.records.save(record)).catch(() => {});
    return this.#saved;
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#after(delayMs, resolve));
  }

  #after(delayMs: number, action: () => void): void {
    const { clock } = this.#around;
    const cancel = clock.at(clock.nowMs() + delayMs, () => {
      this.#timers.delete(cancel);
      action();
    });
    this.#timers.add(cancel);
  }
}
