import type { Logger } from 'pino';
import type { Cancel, Clock } from '../../models/base/clock.ts';
import { type ErrorCode, InflessError, messageOf } from '../../models/base/errors.ts';
import type { Controller } from '../control/controller.ts';
import type { ManagedFunction } from '../control/managed-function.ts';
import type { Deployment } from '../functions/deployment.ts';
import { type BrokenFunction, type FunctionRegistry, functionNotFound } from '../functions/registry.ts';
import { type FunctionDeclaration, type FunctionSpec, parseFunctionSpec } from '../functions/spec.ts';
import { declarationOf, objectOf } from './conversion.ts';
import type { FunctionObjects } from './function-objects.ts';
import type { InferenceFunction } from './inference-function.ts';
import { KeyedQueue } from './work-queue.ts';

export interface KubernetesFunctionsParts {
  readonly controller: Controller;
  readonly objects: FunctionObjects;
  /**
   * Finds what is needed to run a function; `pinned` is what its image's name stood for when it was declared.
   */
  readonly resolve: (spec: FunctionSpec, pinned?: string) => Promise<Deployment>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What became of an object: either what it says is deployed, or why not. */
export interface ReconcileResult {
  readonly uid: string;
  readonly generation: number;
  readonly failure?: InflessError;
  /** Its image by digest; undefined where that could not be found out. */
  readonly pinned?: string;
}

interface Followed extends ReconcileResult {
  /** What it was deployed from: the same again changes nothing. */
  readonly content: string;
  readonly failures: number;
  readonly cancelRetry?: Cancel;
}

/** Images and tables that are looked up at the same time. */
const AT_ONCE = 8;
const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 300_000;

/** Only another object can mend these; everything else may be found at another time. */
const FINAL: ReadonlySet<ErrorCode> = new Set(['INVALID_INPUT', 'SLO_INFEASIBLE']);

/**
 * Functions that are objects of the cluster. Objects become functions, whoever made them; what is declared
 * here becomes an object first. All replicas follow the same objects. A function that cannot run stays
 * declared, and is tried again.
 */
export class KubernetesFunctions implements FunctionRegistry {
  readonly #parts: KubernetesFunctionsParts;
  readonly #followed = new Map<string, Followed>();
  /** Uids of objects that were deleted here, by name, as long as the watch has not told. */
  readonly #deleted = new Map<string, string>();
  readonly #turns = new KeyedQueue(AT_ONCE);
  /** From then on no one asks which are broken: it has to be told. */
  #isOpen = false;
  #isClosed = false;

  constructor(parts: KubernetesFunctionsParts) {
    this.#parts = parts;
  }

  get broken(): readonly BrokenFunction[] {
    const { controller, objects } = this.#parts;
    return objects.all().flatMap((object) => {
      const name = nameOf(object);
      const failure = this.#followed.get(name)?.failure;
      if (failure === undefined || controller.find(name) !== undefined) return [];
      return [
        {
          name,
          origin: 'kubernetes' as const,
          declaration: declarationOf(object),
          reason: messageOf(failure),
        },
      ];
    });
  }

  /** What became of the function's object, as far as it was looked at. */
  outcomeOf(name: string): ReconcileResult | undefined {
    return this.#followed.get(name);
  }

  /**
   * Resolves when each object has become a function, or is known not to. Those of the file become objects,
   * and stay.
   */
  async open(fromFile: readonly FunctionDeclaration[] | undefined): Promise<void> {
    await this.#parts.objects.open((name) => this.#followSoon(name));
    await this.#turns.settled();
    this.#isOpen = true;
    for (const declaration of fromFile ?? []) await this.declare(declaration);
  }

  declare(declaration: unknown): Promise<ManagedFunction> {
    const { controller, objects, resolve } = this.#parts;
    return this.#inTurnOf(declaration, async (spec, object) => {
      const deployment = await resolve(spec);
      controller.requireDeployable(deployment);
      const pinned = deployment.model.path;
      const stored = await objects.pin(await objects.store(object), pinned);
      return this.#deploy(stored, pinned);
    });
  }

  remove(name: string): Promise<void> {
    return this.#turns.run(name, async () => {
      const object = this.#wanted(name);
      if (object === undefined) throw functionNotFound(name);
      await this.#parts.objects.remove(object);
      this.#deleted.set(name, uidOf(object));
      this.#drop(name);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#parts.objects.close();
    await this.#turns.settled();
    for (const { cancelRetry } of this.#followed.values()) cancelRetry?.();
  }

  async #inTurnOf<T>(
    declaration: unknown,
    work: (spec: FunctionSpec, object: InferenceFunction) => Promise<T>,
  ): Promise<T> {
    const spec = parseFunctionSpec(declaration, 'The function');
    const object = objectOf(declaration as FunctionDeclaration); // has just been parsed
    return this.#turns.run(spec.name, () => work(spec, object));
  }

  #followSoon(name: string, options?: { again: boolean }): void {
    this.#turns
      .run(name, () => this.#follow(name, options))
      .catch((error: unknown) => {
        this.#parts.logger.error(
          { function: name, reason: messageOf(error) },
          'a function cannot be followed',
        );
      });
  }

  /** Makes the function be as its object says now, unless that was done, or tried, already. */
  async #follow(name: string, { again = false } = {}): Promise<void> {
    if (this.#isClosed) return;
    const object = this.#wanted(name);
    if (object === undefined) return this.#drop(name);
    const before = this.#followed.get(name);
    if (!again && before !== undefined && isAsBefore(object, before)) {
      this.#followed.set(name, { ...before, generation: generationOf(object) });
      return;
    }
    try {
      await this.#deploy(object, pinnedOf(object));
    } catch (error) {
      if (!(error instanceof InflessError)) throw error;
      this.#failed(object, error);
    }
  }

  /** The object, unless it is on its way out. */
  #wanted(name: string): InferenceFunction | undefined {
    const object = this.#parts.objects.get(name);
    if (object === undefined || this.#deleted.get(name) !== uidOf(object)) this.#deleted.delete(name);
    const isGoing = object?.metadata?.deletionTimestamp !== undefined || this.#deleted.has(name);
    return isGoing ? undefined : object;
  }

  async #deploy(object: InferenceFunction, pinned: string | undefined): Promise<ManagedFunction> {
    const { controller, resolve } = this.#parts;
    const declaration = declarationOf(object);
    const spec = parseFunctionSpec(declaration, `InferenceFunction "${declaration.name}"`);
    const deployment = await resolve(spec, pinned);
    const createdAt = object.metadata?.creationTimestamp;
    const createdAtMs = createdAt === undefined ? undefined : new Date(createdAt).getTime();
    const managed = controller.deploy({ origin: 'kubernetes', declaration, deployment, createdAtMs });
    this.#note(object, { pinned: deployment.model.path, failures: 0 });
    return managed;
  }

  #failed(object: InferenceFunction, failure: InflessError): void {
    const { controller, logger } = this.#parts;
    const name = nameOf(object);
    const before = this.#followed.get(name);
    const failures = before?.content === contentOf(object) ? before.failures + 1 : 1;
    const reason = messageOf(failure);
    const isNews = before?.failure === undefined || messageOf(before.failure) !== reason;
    if (this.#isOpen && isNews) logger.error({ function: name, reason }, 'a declared function cannot run');
    if (controller.find(name) === undefined) controller.retain(name);
    const cancelRetry = FINAL.has(failure.code) ? undefined : this.#retryLater(name, failures);
    this.#note(object, { failure, failures, ...(cancelRetry === undefined ? {} : { cancelRetry }) });
  }

  #retryLater(name: string, failures: number): Cancel {
    const { clock } = this.#parts;
    const afterMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
    return clock.at(clock.nowMs() + afterMs, () => this.#followSoon(name, { again: true }));
  }

  #note(object: InferenceFunction, rest: Omit<Followed, 'uid' | 'generation' | 'content'>): void {
    const name = nameOf(object);
    this.#followed.get(name)?.cancelRetry?.();
    this.#followed.set(name, {
      uid: uidOf(object),
      generation: generationOf(object),
      content: contentOf(object),
      ...rest,
    });
  }

  #drop(name: string): void {
    this.#followed.get(name)?.cancelRetry?.();
    this.#followed.delete(name);
    this.#parts.controller.remove(name);
  }
}

/** What a function is made from. Its status is not part of it, but for what its image stands for. */
function contentOf(object: InferenceFunction): string {
  return JSON.stringify([uidOf(object), declarationOf(object)]);
}

function isAsBefore(object: InferenceFunction, before: Followed): boolean {
  const pinned = pinnedOf(object);
  const isSameImage = pinned === undefined || before.pinned === undefined || pinned === before.pinned;
  return isSameImage && before.content === contentOf(object);
}

/** What the very image that the object names was found to be. */
function pinnedOf({ spec, status }: InferenceFunction): string | undefined {
  return status?.image?.name === spec.image ? status.image.pinned : undefined;
}

function nameOf({ metadata }: InferenceFunction): string {
  return metadata!.name!;
}

function uidOf({ metadata }: InferenceFunction): string {
  return metadata!.uid!;
}

function generationOf({ metadata }: InferenceFunction): number {
  return metadata!.generation ?? 0;
}
