import { InflessError, messageOf } from '../../models/base/errors.ts';
import { resolveDeployment } from './deployment.ts';
import type { FunctionStore, Origin, StoredFunction } from './function-store.ts';
import {
  type BrokenFunction,
  type DeployedFunction,
  type FunctionHost,
  type FunctionRegistry,
  functionNotFound,
} from './registry.ts';
import { type FunctionDeclaration, parseFunctionSpec } from './spec.ts';

/** Functions that are declared to this autoscaler alone. Every change is on disk before it is answered. */
export class StoredFunctions implements FunctionRegistry {
  readonly #host: FunctionHost;
  readonly #store: FunctionStore;
  readonly #broken = new Map<string, BrokenFunction>();
  /** Declarations are carried out one after the other, so that the last one said is the one that holds. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(host: FunctionHost, store: FunctionStore) {
    this.#host = host;
    this.#store = store;
  }

  get broken(): readonly BrokenFunction[] {
    return [...this.#broken.values()];
  }

  /** Besides, a function of the file that is not in the file any more goes. */
  async open(fromFile: readonly FunctionDeclaration[] | undefined): Promise<void> {
    const stored = await this.#store.load();
    const inFile = new Set(fromFile?.map(({ name }) => name));
    for (const known of stored) {
      const leftFile = known.origin === 'file' && fromFile !== undefined;
      if (leftFile || inFile.has(known.declaration.name)) continue;
      await this.#bringBack(known);
    }
    const createdAtMs = new Map(stored.map((known) => [known.declaration.name, known.createdAtMs]));
    for (const declaration of fromFile ?? [])
      await this.#deploy('file', declaration, createdAtMs.get(declaration.name));
    await this.#save();
  }

  declare(declaration: unknown): Promise<DeployedFunction> {
    return this.#inTurn(async () => {
      const managed = await this.#deploy('rest', declaration);
      await this.#save();
      return managed;
    });
  }

  remove(name: string): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#host.find(name) === undefined && !this.#broken.has(name)) throw functionNotFound(name);
      this.#host.remove(name);
      this.#broken.delete(name);
      await this.#save();
    });
  }

  async close(): Promise<void> {
    await this.#turn;
  }

  async #deploy(origin: Origin, declaration: unknown, createdAtMs?: number): Promise<DeployedFunction> {
    const spec = parseFunctionSpec(declaration, 'The function');
    const deployment = await resolveDeployment(spec);
    const managed = this.#host.deploy({
      origin,
      declaration: declaration as FunctionDeclaration, // has just been parsed
      deployment,
      createdAtMs: createdAtMs ?? this.#broken.get(spec.name)?.createdAtMs,
    });
    this.#broken.delete(spec.name);
    return managed;
  }

  async #bringBack(known: StoredFunction): Promise<void> {
    const { origin, declaration, createdAtMs } = known;
    try {
      await this.#deploy(origin, declaration, createdAtMs);
    } catch (error) {
      if (!(error instanceof InflessError)) throw error;
      const { name } = declaration;
      this.#broken.set(name, { ...known, name, reason: messageOf(error) });
    }
  }

  #save(): Promise<void> {
    const declared = [...this.#host.functions, ...this.broken];
    return this.#store.save(
      declared.map(({ origin, declaration, createdAtMs }) => ({ origin, declaration, createdAtMs })),
    );
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}
