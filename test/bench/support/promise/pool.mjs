import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Dispatcher } from '../../../../dist/autoscaler/dispatch/dispatcher.js';
import { HttpTransport } from '../../../../dist/autoscaler/dispatch/transport.js';
import { servingEnvironment } from '../../../../dist/autoscaler/fleet/local/serving-environment.js';
import { ObservedTimes } from '../../../../dist/autoscaler/latency/observed-times.js';
import { ServiceTimes } from '../../../../dist/autoscaler/latency/service-times.js';
import { systemClock } from '../../../../dist/models/base/clock.js';
import { programFile } from '../../../../dist/models/base/package.js';
import { createSweepQuota } from '../../../../dist/profiler/quota/measurement-quotas.js';
import { tabulatedRequestCost } from '../../../../dist/profiles/capacity/batch-time.js';

const run = promisify(execFile);
const READY_WITHIN_MS = 60_000;
/** As a function has where nothing else is declared. */
const FUNCTION = { percentile: 99, latePolicy: 'serve', maxWaitMs: 30_000, queueLimit: 2_000 };

/**
 * Serving processes under quotas of their own, and the queue of one function before them: what an autoscaler
 * runs, without its loop.
 */
export class Pool {
  #instances = [];
  #transport = new HttpTransport();
  #dispatcher;
  #isClosing = false;

  /** @param what `{model, table, tableFile, config, instances, sloMs, quotas, cores}` */
  static async open(what) {
    const pool = new Pool();
    try {
      for (let index = 0; index < what.instances; index += 1) {
        pool.#instances.push(await startInstance(what, index));
      }
      pool.#dispatcher = dispatcherOf(what, pool.#transport, () => pool.#isClosing);
      pool.#dispatcher.setInstances(
        pool.#instances.map(({ url }, index) => ({ id: `i${index}`, url, config: what.config })),
      );
      return pool;
    } catch (error) {
      await pool.close();
      throw error;
    }
  }

  /** Resolves with when it came and how it was answered. */
  async send(request) {
    const fromMs = systemClock.nowMs();
    try {
      const { status, body } = await this.#dispatcher.submit(request, fromMs);
      const error = status === 200 ? undefined : Buffer.from(body).toString('utf8', 0, 200);
      return { latencyMs: systemClock.nowMs() - fromMs, error };
    } catch (error) {
      return { latencyMs: Number.POSITIVE_INFINITY, error: error.message };
    }
  }

  /** What the serving processes have used so far: CPU time, and periods in which their quota was used up. */
  async used() {
    const stats = await Promise.all(this.#instances.map(({ quota }) => quota.stat()));
    const sum = (of) => stats.reduce((total, stat) => total + (stat === null ? 0 : of(stat)), 0);
    return {
      cpuMs: sum(({ cpuMs }) => cpuMs),
      periods: sum(({ periods }) => periods),
      throttledPeriods: sum(({ throttledPeriods }) => throttledPeriods),
    };
  }

  async close() {
    this.#isClosing = true;
    await Promise.all(this.#instances.map(({ stop }) => stop()));
    await this.#transport.close();
  }
}

function dispatcherOf({ model, table, sloMs }, transport, isClosing) {
  const view = new ServiceTimes(table).view;
  const observed = new ObservedTimes((config) => tabulatedRequestCost(view, config));
  return new Dispatcher(
    { functionName: model.manifest.name, sloMs, ...FUNCTION },
    {
      clock: systemClock,
      transport,
      times: new ServiceTimes(table, (config) => observed.of(config)),
      observed,
      onInstanceLost: (_, reason) => {
        if (!isClosing()) process.stderr.write(`\nan instance was lost: ${reason}\n`);
      },
    },
  );
}

async function startInstance({ model, tableFile, config, instances, sloMs, quotas, cores }, index) {
  const workload = { model: model.path, modelName: model.manifest.name, sloMs, environment: {} };
  const quota = await createSweepQuota(quotas, config.cpuMillicores);
  const environment = servingEnvironment({ id: `promise-${index}`, config, workload }, 0, undefined);
  const log = await open(`${tableFile}.log`, 'a');
  const child = spawn(process.execPath, [programFile('packager/server/bin')], {
    stdio: ['ignore', log.fd, log.fd, 'ipc'],
    env: { ...environment, INFLESS_PROFILE: tableFile, INFLESS_MANIFEST: `${tableFile}.manifest` },
  });
  await log.close();
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    await quota.remove();
  };
  try {
    await quota.attach(child.pid);
    await pinTo(child.pid, instances === 1 ? cores.alone : cores.all);
    const port = await Promise.race([listening(child), ended.then(() => undefined)]);
    if (port === undefined) throw new Error('a serving process ended before it listened');
    const url = `http://127.0.0.1:${port}`;
    await ready(url);
    return { url, quota, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function listening(child) {
  return new Promise((resolve) => {
    child.on('message', (message) => {
      if (message?.type === 'listening') resolve(message.port);
    });
  });
}

async function ready(url) {
  const untilMs = performance.now() + READY_WITHIN_MS;
  while (performance.now() < untilMs) {
    const isReady = await fetch(`${url}/_/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`a serving process was not ready within ${READY_WITHIN_MS / 1000} s`);
}

/** A process with its threads, to a list of cores. False where there is no `taskset`. */
export async function pinTo(pid, cores) {
  return run('taskset', ['-acp', cores, String(pid)]).then(
    () => true,
    () => false,
  );
}
