import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Clock } from '../../models/base/clock.ts';
import { InflessError } from '../../models/base/errors.ts';
import { ApiError, isNotFound, platformFailure } from '../kubernetes/api-errors.ts';
import type { Connection } from '../kubernetes/connection.ts';
import { Informer } from '../kubernetes/informer.ts';
import { ResourceClient } from '../kubernetes/resource-client.ts';
import { withRetry } from '../kubernetes/retry.ts';
import {
  INFERENCE_FUNCTION,
  type InferenceFunction,
  type InferenceFunctionSpec,
  type InferenceFunctionStatus,
  inferenceFunctionSpecSchema,
} from './inference-function.ts';

/** The InferenceFunction objects of a namespace: known by a watch, and written. */
export class FunctionObjects {
  readonly #client: ResourceClient<InferenceFunction>;
  readonly #informer: Informer<InferenceFunction>;
  readonly #clock: Clock;

  constructor(connection: Connection, { clock, logger }: { clock: Clock; logger: Logger }) {
    this.#client = new ResourceClient(connection, INFERENCE_FUNCTION);
    this.#informer = new Informer(this.#client, {}, { clock, logger });
    this.#clock = clock;
  }

  /**
   * Resolves once all are known; the listener has been told the name of each by then.
   *
   * @throws InflessError PLATFORM_FAILED
   */
  async open(onChange: (name: string) => void): Promise<void> {
    this.#informer.onEvent(({ object }) => onChange(object.metadata!.name!));
    try {
      await this.#informer.start();
    } catch (error) {
      throw isNotFound(error) ? notInstalled(error) : platformFailure('Functions cannot be listed', error);
    }
  }

  close(): void {
    this.#informer.stop();
  }

  all(): readonly InferenceFunction[] {
    return this.#informer.items();
  }

  get(name: string): InferenceFunction | undefined {
    return this.#informer.get(name);
  }

  /**
   * Makes the object be as declared, whoever wrote what of it before.
   *
   * @throws InflessError INVALID_INPUT for what the cluster refuses, PLATFORM_FAILED
   */
  async store(object: InferenceFunction): Promise<InferenceFunction> {
    const name = object.metadata!.name!;
    return this.#write(`Function "${name}" cannot be stored`, async () => {
      const applied = await this.#apply(object);
      const wanted = inferenceFunctionSpecSchema.parse(object.spec);
      const others = difference(applied.spec, wanted);
      // What somebody else applied and this declaration leaves out would stay: it is a declaration, not a
      // change.
      return others === undefined ? applied : this.#client.patch(name, { spec: others });
    });
  }

  /** Notes what the name of its image stands for, so that all replicas and their successors run the same. */
  async pin({ metadata, spec }: InferenceFunction, pinned: string): Promise<InferenceFunction> {
    const name = metadata!.name!;
    const status: InferenceFunctionStatus = { image: { name: spec.image, pinned } };
    return this.#write(`The image of function "${name}" cannot be noted`, () =>
      this.#client.patch(name, { metadata: { uid: metadata!.uid }, status }, { subresource: 'status' }),
    );
  }

  async writeStatus({ metadata }: InferenceFunction, status: InferenceFunctionStatus): Promise<void> {
    const { name, uid } = metadata!;
    const object = { metadata: { name, uid }, status } as InferenceFunction;
    await this.#write(`The status of function "${name}" cannot be written`, () =>
      this.#client.applyStatus(object),
    );
  }

  async remove({ metadata }: InferenceFunction): Promise<void> {
    const { name, uid } = metadata!;
    try {
      await withRetry(this.#clock, () => this.#client.delete(name!, { uid }));
    } catch (error) {
      throw platformFailure(`Function "${name}" cannot be deleted`, error);
    }
  }

  /**
   * Rules of the definition are about the whole object: the API server refuses an apply where what others
   * wrote and what is declared break one together, like a minimum above their maximum. Then all of the spec
   * is replaced first, at once.
   */
  async #apply(object: InferenceFunction): Promise<InferenceFunction> {
    const { metadata, spec } = object;
    const name = metadata!.name!;
    try {
      return await this.#client.apply(object, { force: true });
    } catch (error) {
      const live = isInvalid(error) ? await this.#client.get(name) : undefined;
      const wanted = inferenceFunctionSpecSchema.safeParse(spec);
      if (live === undefined || !wanted.success) throw error;
      await this.#client.patch(name, { metadata, spec: difference(live.spec, wanted.data) });
      return this.#client.apply(object, { force: true });
    }
  }

  async #write(what: string, work: () => Promise<InferenceFunction>): Promise<InferenceFunction> {
    try {
      const written = await withRetry(this.#clock, work);
      this.#informer.learn(written);
      return written;
    } catch (error) {
      if (!isInvalid(error)) throw platformFailure(what, error);
      throw new InflessError('INVALID_INPUT', `${what}: ${error.message}`, { cause: error });
    }
  }
}

/** The API server would refuse it whenever it is sent. */
function isInvalid(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.status === 422 || error.status === 400);
}

type Fields = Readonly<Record<string, unknown>>;

/** The JSON merge patch that makes one of the other; undefined where they are the same. */
export function difference(from: InferenceFunctionSpec, to: InferenceFunctionSpec): object | undefined {
  return fieldsDifference(from, to);
}

function fieldsDifference(from: Fields, to: Fields): Fields | undefined {
  const patch: Record<string, unknown> = {};
  for (const field of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const [before, after] = [from[field], to[field]];
    if (isDeepStrictEqual(before, after)) continue;
    patch[field] = isFields(before) && isFields(after) ? fieldsDifference(before, after) : (after ?? null);
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function notInstalled(cause: unknown): InflessError {
  return new InflessError('PLATFORM_FAILED', 'The cluster does not know InferenceFunction', {
    remedy: 'Install it with: kubectl apply -f autoscaler/deploy/base/crd.yaml',
    cause,
  });
}
