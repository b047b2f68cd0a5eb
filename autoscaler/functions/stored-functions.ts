import type { Cancel, Clock } from '../../models/base/clock.ts';
import { messageOf } from '../../models/base/errors.ts';
import type { AllowedPaths } from './allowed-paths.ts';
import { type Deployment, resolveDeployment } from './deployment.ts';
import type { FunctionStore, StoredFunction } from './function-store.ts';
import {
  type BrokenFunction,
  type Declared,
  type DeployedFunction,
  type FunctionHost,
  type FunctionRegistry,
  functionNotFound,
} from './registry.ts';
import { type FunctionDeclaration, type FunctionSpec, parseFunctionSpec } from './spec.ts';

export interface StoredFunctionsParts {
  readonly clock: Clock;
  /** Hears of what could not be written, where that keeps nothing from running. */
  readonly note: (text: string) => void;
  /** Where those declared by REST may name files; default: everywhere. */
  readonly allowedPaths?: AllowedPaths;
  /** Finds what a function needs; default: {@link resolveDeployment}. */
  readonly resolve?: (spec: FunctionSpec, asKnown: boolean) => Promise<Deployment>;
}

/** What is broken may be mended by somebody else: a registry that is back, a model that was brought. */
const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 300_000;

/**
 * Functions that are declared to this autoscaler alone. A change is on disk before it takes effect: on a full
 * disk it is refused, and all stays as it was.
 */
export class StoredFunctions implements FunctionRegistry {
  readonly #host: FunctionHost;
  readonly #store: FunctionStore;
  readonly #parts: StoredFunctionsParts;
  readonly #broken = new Map<string, BrokenFunction>();
  /** What is declared for one name is carried out one after the other: the last one said is what holds. */
  readonly #turns = new Map<string, Promise<unknown>>();
  /** Writes and what follows from them: each is of all functions. */
  #commits: Promise<unknown> = Promise.resolve();
  #cancelRetry: Cancel = () => {};
  #isClosed = false;

  constructor(host: FunctionHost, store: FunctionStore, parts: StoredFunctionsParts) {
    this.#host = host;
    this.#store = store;
    this.#parts = parts;
  }

  get broken(): readonly BrokenFunction[] {
    return [...this.#broken.values()];
  }

  /** Besides, a function of the file that is not in the file any more goes. */
  async open(fromFile: readonly FunctionDeclaration[] | undefined): Promise<void> {
    const stored = await this.#store.load();
    const inFile = new Set(fromFile?.map(({ name }) => name));
    const kept = stored.filter(({ origin, declaration }) => {
      const leftFile = origin === 'file' && fromFile !== undefined;
      return !leftFile && !inFile.has(declaration.name);
    });
    const createdAtMs = new Map(stored.map((known) => [known.declaration.name, known.createdAtMs]));
    const ofFile = (fromFile ?? []).map(
      (declaration): StoredFunction => ({
        origin: 'file',
        declaration,
        createdAtMs: createdAtMs.get(declaration.name),
      }),
    );
    await Promise.all([...kept, ...ofFile].map((known) => this.#bringBack(known)));
    // Those of the file are there again after the next start, whether they are written down or not.
    await this.#save().catch((error: unknown) => this.#parts.note(messageOf(error)));
    this.#retryLater(FIRST_RETRY_MS);
  }

  async declare(declaration: unknown): Promise<DeployedFunction> {
    const spec = parseFunctionSpec(declaration, 'The function');
    return this.#inTurn(spec.name, async () => {
      await this.#parts.allowedPaths?.check(spec);
      const deployment = await this.#resolve(spec, false);
      this.#host.requireDeployable(deployment);
      return this.#commit(async () => {
        const declared: Declared = {
          origin: 'rest',
          declaration: declaration as FunctionDeclaration, // has been parsed
          deployment,
          createdAtMs: this.#createdAtMs(spec.name) ?? this.#parts.clock.nowMs(),
        };
        await this.#save({ name: spec.name, becomes: declared });
        this.#broken.delete(spec.name);
        return this.#host.deploy(declared);
      });
    });
  }

  remove(name: string): Promise<void> {
    return this.#inTurn(name, () =>
      this.#commit(async () => {
        if (this.#host.find(name) === undefined && !this.#broken.has(name)) throw functionNotFound(name);
        await this.#save({ name, becomes: undefined });
        this.#broken.delete(name);
        this.#host.remove(name);
      }),
    );
  }

  /** What waits for a look-up is not waited for: it has not been answered, and is not on disk. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelRetry();
    await this.#commits;
  }

  #resolve(spec: FunctionSpec, asKnown: boolean): Promise<Deployment> {
    return (this.#parts.resolve ?? resolveDeployment)(spec, asKnown);
  }

  #createdAtMs(name: string): number | undefined {
    return (this.#host.find(name) ?? this.#broken.get(name))?.createdAtMs;
  }

  /** Without a look-up for what is known, and without any need of another function. */
  async #bringBack(known: StoredFunction, asKnown = true): Promise<void> {
    const { declaration } = known;
    try {
      const spec = parseFunctionSpec(declaration, 'The function');
      const deployment = await this.#resolve(spec, asKnown);
      if (this.#isClosed) return;
      this.#host.deploy({ ...known, deployment });
      this.#broken.delete(declaration.name);
    } catch (error) {
      const { name } = declaration;
      this.#broken.set(name, { ...known, name, reason: messageOf(error) });
    }
  }

  #retryLater(afterMs: number): void {
    const { clock } = this.#parts;
    this.#cancelRetry = clock.at(clock.nowMs() + afterMs, async () => {
      await Promise.all(this.broken.map((each) => this.#retry(each)));
      if (!this.#isClosed) this.#retryLater(Math.min(2 * afterMs, LONGEST_RETRY_MS));
    });
  }

  #retry(broken: BrokenFunction): Promise<void> {
    return this.#inTurn(broken.name, async () => {
      if (this.#broken.get(broken.name) !== broken) return; // declared anew, or removed
      await this.#bringBack(broken, false);
    });
  }

  /** @param change what the file is to say of one function; undefined: nothing */
  #save(change?: { readonly name: string; readonly becomes: StoredFunction | undefined }): Promise<void> {
    const others = [...this.#host.functions, ...this.broken].filter(({ name }) => name !== change?.name);
    const declared: StoredFunction[] = change?.becomes === undefined ? others : [...others, change.becomes];
    return this.#store.save(
      declared.map(({ origin, declaration, createdAtMs }) => ({ origin, declaration, createdAtMs })),
    );
  }

  #commit<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#commits.then(work);
    this.#commits = result.catch(() => {});
    return result;
  }

  #inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const result = (this.#turns.get(name) ?? Promise.resolve()).then(work);
    const turn: Promise<unknown> = result
      .catch(() => {})
      .then(() => {
        if (this.#turns.get(name) === turn) this.#turns.delete(name);
      });
    this.#turns.set(name, turn);
    return result;
  }
}
