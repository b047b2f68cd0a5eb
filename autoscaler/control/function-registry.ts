import { InflessError, messageOf } from '../../models/base/errors.ts';
import { resolveDeployment } from '../functions/deployment.ts';
import type { FunctionStore, Origin, StoredFunction } from '../functions/function-store.ts';
import { type FunctionDeclaration, parseFunctionSpec } from '../functions/spec.ts';
import type { Controller } from './controller.ts';
import type { ManagedFunction } from './managed-function.ts';

/** A declared function that cannot run now, e.g. because its model file is gone. It stays declared. */
export interface BrokenFunction extends StoredFunction {
  readonly name: string;
  readonly reason: string;
}

/**
 * The declared functions: those that run, kept in the controller, and those that cannot. Every change is on disk
 * before it is answered.
 */
export class FunctionRegistry {
  readonly #controller: Controller;
  readonly #store: FunctionStore;
  readonly #broken = new Map<string, BrokenFunction>();
  /** Declarations are carried out one after the other, so that the last one said is the one that holds. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(controller: Controller, store: FunctionStore) {
    this.#controller = controller;
    this.#store = store;
  }

  get broken(): readonly BrokenFunction[] {
    return [...this.#broken.values()];
  }

  /**
   * Brings back what was declared before, then makes the file's functions be those of `fromFile`. A function
   * that cannot be brought back is kept as broken; one of the file that cannot be deployed is an error.
   */
  async restore(fromFile: readonly FunctionDeclaration[] | undefined): Promise<void> {
    const stored = await this.#store.load();
    const inFile = new Set(fromFile?.map(({ name }) => name));
    for (const { origin, declaration } of stored) {
      const leftFile = origin === 'file' && fromFile !== undefined;
      if (leftFile || inFile.has(declaration.name)) continue;
      await this.#bringBack({ origin, declaration });
    }
    for (const declaration of fromFile ?? []) await this.#deploy('file', declaration);
    await this.#save();
  }

  /**
   * Deploys a function or replaces the one of its name.
   *
   * @throws InflessError INVALID_INPUT, MODEL_*, PROFILE_*, SLO_INFEASIBLE: then nothing has changed.
   */
  declare(declaration: unknown): Promise<ManagedFunction> {
    return this.#inTurn(async () => {
      const managed = await this.#deploy('rest', declaration);
      await this.#save();
      return managed;
    });
  }

  /** @throws InflessError FUNCTION_NOT_FOUND */
  remove(name: string): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#controller.find(name) === undefined && !this.#broken.has(name)) throw functionNotFound(name);
      this.#controller.remove(name);
      this.#broken.delete(name);
      await this.#save();
    });
  }

  async #deploy(origin: Origin, declaration: unknown): Promise<ManagedFunction> {
    const spec = parseFunctionSpec(declaration, 'The function');
    const deployment = await resolveDeployment(spec);
    const managed = this.#controller.deploy({
      origin,
      declaration: declaration as FunctionDeclaration, // has just been parsed
      deployment,
    });
    this.#broken.delete(spec.name);
    return managed;
  }

  async #bringBack({ origin, declaration }: StoredFunction): Promise<void> {
    try {
      await this.#deploy(origin, declaration);
    } catch (error) {
      if (!(error instanceof InflessError)) throw error;
      const { name } = declaration;
      this.#broken.set(name, { name, origin, declaration, reason: messageOf(error) });
    }
  }

  #save(): Promise<void> {
    const running = this.#controller.functions.map(({ origin, declaration }) => ({ origin, declaration }));
    const broken = this.broken.map(({ origin, declaration }) => ({ origin, declaration }));
    return this.#store.save([...running, ...broken]);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}

export function functionNotFound(name: string): InflessError {
  return new InflessError('FUNCTION_NOT_FOUND', `There is no function "${name}"`, {
    remedy: 'GET /api/functions lists those that are deployed.',
  });
}
