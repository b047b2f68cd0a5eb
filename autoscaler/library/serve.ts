import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import type { FunctionDeclaration } from '../functions/spec.ts';
import { percentileRateModel } from '../planning/capacity/percentile-rates.ts';
import { LocalBackend } from '../service/local-backend.ts';
import { startService } from '../service/service.ts';

/** What to serve, and where. */
export interface ServeRequest {
  /** As a functions file has them; each needs a table, see `profile`. */
  readonly functions?: readonly FunctionDeclaration[];
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Default: 0, a free one. */
  readonly port?: number;
  /** Folder that keeps functions and instances over restarts; default: a temporary one. */
  readonly stateDirectory?: string;
  /** Folder that keeps the decisions; default: nothing keeps them. */
  readonly journalFolder?: string;
  /** Default: nothing is logged. */
  readonly logger?: Logger;
}

/** An autoscaler in this process; its instances are processes of their own. */
export interface Serving {
  /** Of the gateway: `POST ${url}/function/NAME`; the page is at `${url}/ui`. */
  readonly url: string;
  /**
   * Deploys a function, or replaces the one of its name.
   *
   * @throws InflessError INVALID_INPUT, MODEL_*, PROFILE_*, SLO_INFEASIBLE: then nothing has changed
   */
  declare(declaration: FunctionDeclaration): Promise<void>;
  /** @throws InflessError FUNCTION_NOT_FOUND */
  remove(name: string): Promise<void>;
  /** Answers what is under way, and ends all instances. */
  close(): Promise<void>;
}

/**
 * Serves functions on this machine within their latency targets, as `infless autoscaler`.
 *
 * @throws InflessError ADDRESS_IN_USE, and as {@link Serving.declare}: then nothing is left running
 */
export async function serve(request: ServeRequest = {}): Promise<Serving> {
  const { functions = [], host = '127.0.0.1', port = 0, stateDirectory, journalFolder } = request;
  const state = stateDirectory ?? (await mkdtemp(join(tmpdir(), 'infless-')));
  const clean = async (): Promise<void> => {
    if (stateDirectory === undefined) await rm(state, { recursive: true, force: true });
  };
  try {
    const service = await startService({
      host,
      port,
      backend: new LocalBackend({ stateDirectory: state }),
      rates: percentileRateModel,
      logger: request.logger ?? pino({ level: 'silent' }),
      ...(journalFolder === undefined ? {} : { journalFolder }),
    });
    const serving: Serving = {
      url: service.url,
      async declare(declaration) {
        await service.registry.declare(declaration);
      },
      remove: (name) => service.registry.remove(name),
      async close() {
        await service.close('stop');
        await clean();
      },
    };
    try {
      for (const declaration of functions) await serving.declare(declaration);
    } catch (error) {
      await service.close('stop');
      throw error;
    }
    return serving;
  } catch (error) {
    await clean();
    throw error;
  }
}
