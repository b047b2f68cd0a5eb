import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { LocalBackend } from '../../autoscaler/backends/local-backend.ts';
import type { ControlSettings } from '../../autoscaler/control/settings.ts';
import type { Credentials } from '../../autoscaler/gateway/basic-auth.ts';
import type { FunctionStatus } from '../../autoscaler/gateway/function-status.ts';
import { percentileRateModel } from '../../autoscaler/plan/rates/percentile-rates.ts';
import { type Service, startService } from '../../autoscaler/service.ts';
import { profileModel } from '../../profiler/profile-model.ts';

/** A cache of their own for the tests of one file, with mnist profiled for real. */
export async function measuredCache(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'infless-cache-'));
  process.env.INFLESS_CACHE_DIR = directory;
  await profileModel('mnist', { quick: true, batches: [1, 4], cpuMillicores: [500, 1000], cellTimeMs: 200 });
  return directory;
}

/** What bodies of requests that administer functions have to be called. */
export const JSON_TYPE = { 'content-type': 'application/json' };

export interface ServiceOptions {
  readonly functionsFile?: string;
  readonly control?: Partial<ControlSettings>;
  readonly maxBodyBytes?: number;
  readonly credentials?: Credentials;
  readonly allowHosts?: readonly string[];
}

/** The real autoscaler in this process, its instances real processes, on a state folder of its own. */
export class RunningService {
  readonly service: Service;
  readonly stateDirectory: string;
  /** What administers functions, where that is not for everybody. */
  readonly #authorization: Readonly<Record<string, string>>;

  private constructor(service: Service, stateDirectory: string, credentials?: Credentials) {
    this.service = service;
    this.stateDirectory = stateDirectory;
    this.#authorization =
      credentials === undefined
        ? {}
        : { authorization: `Basic ${btoa(`${credentials.user}:${credentials.password}`)}` };
  }

  static async start(options: ServiceOptions = {}, stateDirectory?: string): Promise<RunningService> {
    const directory = stateDirectory ?? (await mkdtemp(join(tmpdir(), 'infless-state-')));
    const service = await startService({
      host: '127.0.0.1',
      port: 0,
      backend: new LocalBackend({ stateDirectory: directory }),
      rates: percentileRateModel,
      logger: pino({ level: 'silent' }),
      ...options,
    });
    return new RunningService(service, directory, options.credentials);
  }

  get url(): string {
    return this.service.url;
  }

  async stop(): Promise<void> {
    await this.service.close('stop');
    await rm(this.stateDirectory, { recursive: true, force: true });
  }

  declare(declaration: Readonly<Record<string, unknown>>): Promise<Answer> {
    const headers = { ...JSON_TYPE, ...this.#authorization };
    return this.request('POST', '/api/functions', JSON.stringify(declaration), headers);
  }

  async request(
    method: string,
    path: string,
    body?: string | Uint8Array<ArrayBuffer>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: () => JSON.parse(text) as never,
    };
  }

  async status(name: string): Promise<FunctionStatus> {
    return (
      await this.request('GET', `/api/functions/${name}`, undefined, this.#authorization)
    ).json<FunctionStatus>();
  }

  /** Polls a function's status until it is as wanted. */
  async until(
    name: string,
    wanted: (status: FunctionStatus) => boolean,
    timeoutMs = 20_000,
  ): Promise<FunctionStatus> {
    const giveUpAt = Date.now() + timeoutMs;
    for (;;) {
      const status = await this.status(name);
      if (wanted(status)) return status;
      if (Date.now() > giveUpAt) throw new Error(`never as wanted: ${JSON.stringify(status)}`);
      await sleep(50);
    }
  }

  untilReady(name: string): Promise<FunctionStatus> {
    return this.until(name, ({ phase }) => phase === 'ready');
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  json<T>(): T;
}
