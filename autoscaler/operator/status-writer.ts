import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Cancel, Clock } from '../../models/base/clock.ts';
import { messageOf } from '../../models/base/errors.ts';
import type { Controller } from '../control/controller.ts';
import { looserSloText } from '../control/looser-slo.ts';
import type { ManagedFunction } from '../control/managed-function.ts';
import { conditionsOf } from './conditions.ts';
import type { FunctionObjects } from './function-objects.ts';
import type { KubernetesFunctions, ReconcileResult } from './function-reconciler.ts';
import type { InferenceFunction, InferenceFunctionStatus } from './inference-function.ts';
import { type FunctionFacts, figuresOf, stateOf } from './status-report.ts';

export interface StatusWriterParts {
  readonly controller: Controller;
  readonly functions: KubernetesFunctions;
  readonly objects: FunctionObjects;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Reported {
  readonly uid: string;
  /** When it may be written again. */
  readonly againAtMs: number;
  /** When its figures are due. */
  readonly figuresAtMs: number;
  readonly figures: InferenceFunctionStatus;
  /** All that its status was made of when there was nothing to write. */
  readonly seen: readonly unknown[];
}

/** How often it is looked whether something has changed. */
const ROUND_MS = 1_000;
/** A function's status is written no more often than this … */
const LEAST_DISTANCE_MS = 3_000;
/** … and what changes all the time, its rate and latencies, no more often than this. */
const FIGURES_EVERY_MS = 15_000;

/** From a start to the next stop. */
class Run {
  cancel: Cancel | undefined;
  isOver = false;

  end(): void {
    this.isOver = true;
    this.cancel?.();
  }
}

/**
 * Writes how functions stand into the status of their objects, where that has changed. One replica at a time
 * does: the one that decides what runs.
 */
export class StatusWriter {
  readonly #parts: StatusWriterParts;
  readonly #reported = new Map<string, Reported>();
  #run: Run | undefined;
  #round: Promise<void> | undefined;

  constructor(parts: StatusWriterParts) {
    this.#parts = parts;
  }

  start(): void {
    if (this.#run !== undefined) return;
    const run = new Run();
    this.#run = run;
    this.#reported.clear(); // others may have written meanwhile
    this.#schedule(run, 0);
  }

  /** Nothing is written any more from now on; resolves when what is on its way has arrived. */
  async stop(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    run?.end();
    await this.#round;
  }

  #schedule(run: Run, afterMs: number): void {
    const { clock } = this.#parts;
    run.cancel = clock.at(clock.nowMs() + afterMs, () => {
      this.#round = this.#writeAll(run).finally(() => {
        if (!run.isOver) this.#schedule(run, ROUND_MS);
      });
    });
  }

  async #writeAll(run: Run): Promise<void> {
    const { objects, functions, clock, logger } = this.#parts;
    const all = objects.all();
    for (const object of all) {
      if (run.isOver) return;
      const name = object.metadata!.name!;
      const outcome = functions.outcomeOf(name);
      if (outcome === undefined || outcome.uid !== object.metadata!.uid) continue; // not looked at yet
      try {
        await this.#writeOne(object, outcome);
      } catch (error) {
        logger.warn({ function: name, reason: messageOf(error) }, 'a status cannot be written');
        this.#note(object, { againAtMs: clock.nowMs() + LEAST_DISTANCE_MS });
      }
    }
    this.#forgetAllBut(all);
  }

  async #writeOne(object: InferenceFunction, outcome: ReconcileResult): Promise<void> {
    const { objects, clock } = this.#parts;
    const nowMs = clock.nowMs();
    const { againAtMs = 0, figuresAtMs = 0, seen = [] } = this.#reportedOf(object) ?? {};
    if (nowMs < againAtMs) return;
    const seeing = this.#glance(object, outcome);
    if (nowMs < figuresAtMs && seeing.every((part, index) => part === seen[index])) return;
    const { image, ...written } = object.status ?? {};
    const { pinned } = outcome;
    if (pinned !== undefined && image?.name !== object.spec.image) await objects.pin(object, pinned);
    const status = this.#statusOf(object, outcome, nowMs);
    if (isDeepStrictEqual(status, written)) {
      this.#note(object, { seen: seeing });
      return;
    }
    await objects.writeStatus(object, status);
    this.#note(object, { againAtMs: nowMs + LEAST_DISTANCE_MS });
  }

  /** All but the figures, as things to compare at little cost: each is the same until something changes. */
  #glance(object: InferenceFunction, outcome: ReconcileResult): readonly unknown[] {
    const { controller } = this.#parts;
    const name = object.metadata!.name!;
    const managed = controller.find(name);
    const { missingPerSecond, missingInstances, maxInstances, reason } = controller.shortageOf(name) ?? {};
    return [
      object,
      outcome,
      managed,
      controller.instancesOf(name),
      managed?.backoff.reason,
      missingPerSecond,
      missingInstances,
      maxInstances,
      reason,
      controller.looserSloMsOf(name),
    ];
  }

  #statusOf(object: InferenceFunction, outcome: ReconcileResult, nowMs: number): InferenceFunctionStatus {
    const { controller } = this.#parts;
    const name = object.metadata!.name!;
    const managed = controller.find(name);
    const facts: FunctionFacts = {
      name,
      outcome,
      ...(managed === undefined ? {} : { running: this.#runningFacts(managed) }),
    };
    const { fields, findings } = stateOf(facts);
    const before = object.status?.conditions ?? [];
    return {
      ...fields,
      ...(managed === undefined ? {} : this.#figures(object, managed, nowMs)),
      conditions: conditionsOf(findings, before, outcome.generation, nowMs),
    };
  }

  #runningFacts({ name, backoff, deployment }: ManagedFunction): NonNullable<FunctionFacts['running']> {
    const { controller } = this.#parts;
    const looserSloMs = controller.looserSloMsOf(name);
    return {
      instances: controller.instancesOf(name),
      startFailure: backoff.reason,
      shortage: controller.shortageOf(name),
      lateness: looserSloMs === undefined ? undefined : looserSloText(deployment.spec, looserSloMs),
    };
  }

  /** The same for a while: other changes must not bring new ones along all the time. */
  #figures(object: InferenceFunction, managed: ManagedFunction, nowMs: number): InferenceFunctionStatus {
    const reported = this.#reportedOf(object);
    if (reported !== undefined && nowMs < reported.figuresAtMs) return reported.figures;
    const { currentPerSecond } = managed.seenAt(nowMs);
    const latest = managed.latencies.summary(managed.deployment.spec.slo, nowMs);
    const figures = figuresOf({ ratePerSecond: currentPerSecond, latest });
    this.#note(object, { figures, figuresAtMs: nowMs + FIGURES_EVERY_MS });
    return figures;
  }

  #reportedOf({ metadata }: InferenceFunction): Reported | undefined {
    const reported = this.#reported.get(metadata!.name!);
    return reported?.uid === metadata!.uid ? reported : undefined;
  }

  #note(object: InferenceFunction, change: Partial<Reported>): void {
    const { name, uid } = object.metadata!;
    const before = this.#reportedOf(object) ?? { againAtMs: 0, figuresAtMs: 0, figures: {}, seen: [] };
    this.#reported.set(name!, { ...before, uid: uid!, ...change });
  }

  #forgetAllBut(objects: readonly InferenceFunction[]): void {
    if (this.#reported.size <= objects.length) return;
    const names = new Set(objects.map(({ metadata }) => metadata!.name!));
    for (const name of this.#reported.keys()) if (!names.has(name)) this.#reported.delete(name);
  }
}
