import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { systemClock } from '../../models/base/clock.ts';
import type { InflessError } from '../../models/base/errors.ts';
import type { Threading } from '../../models/engines/engine.ts';
import { threadingOf } from '../../profiles/lookup.ts';
import type { ProfileTable } from '../../profiles/table.ts';
import { profileEstimate } from './batching/profile-estimate.ts';
import { listenError } from './http/http-server.ts';
import { InferenceThread } from './inference/inference-thread.ts';
import type { LoadedModel } from './inference/messages.ts';
import { Instance, mostRows } from './instance.ts';
import { HELD_VARIABLE } from './instance-protocol.ts';
import { memoryLimitBytes, roomFor } from './memory-room.ts';
import { OrphanGuard } from './orphan-guard.ts';
import { createApp } from './routes/app.ts';
import type { ServerSettings } from './settings.ts';
import { stderrLogger } from './stderr-log.ts';

/** For answers that are written already to leave the process. */
const FLUSH_MS = 200;

/**
 * Serves one model until a signal, or until no one asks after us any more; then finishes what was taken in.
 *
 * @throws InflessError for a model that cannot be loaded, a port that is taken, an unusable profile table.
 */
export async function serve(settings: ServerSettings): Promise<void> {
  const logger = stderrLogger({ base: { instance: settings.instanceId } });
  endWithStarter();
  const table = settings.profile === undefined ? undefined : await readProfile(settings.profile);
  const ending = new Ending();
  const instance = new Instance({
    settings,
    clock: systemClock,
    run: (requests, cancellation) => thread.run(requests, cancellation),
    progress: () => thread.runs,
    estimateOf: (model) => estimateFrom(table, model, settings, logger),
  });
  const guard = new OrphanGuard(systemClock, settings.orphanMs, () =>
    ending.begin(`no readiness check came for ${settings.orphanMs} ms`),
  );
  const app = createApp({ instance, logger, onReadyAsked: () => guard.touch() });
  const port = await listen(app, settings);
  logger.info({ host: settings.host, port, model: settings.model }, 'listening');

  const thread = startThread(instance, measuredThreading(table, settings), logger, ending);
  try {
    const reason = await ending.reached;
    logger.info({ reason, drainMs: settings.drainMs }, 'draining');
    await drain(instance, thread, logger);
    logger.info('stopped');
  } finally {
    guard.close();
    await Promise.race([instance.drain(), sleep(FLUSH_MS)]);
    await close(app);
  }
}

/**
 * Until its starter has written it down, a process is known to that one alone: when it goes, so do we, lest
 * something runs that no one looks after and no quota holds.
 */
function endWithStarter(): void {
  if (process.env[HELD_VARIABLE] === undefined) return;
  const end = (): void => {
    process.kill(process.pid, 'SIGKILL');
  };
  if (!process.connected) end();
  process.once('disconnect', end);
  process.on('message', function onMessage(message) {
    if (!isKept(message)) return;
    process.off('disconnect', end).off('message', onMessage);
  });
}

function isKept(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'kept';
}

/** Loaded only where it is needed: what reading tables brings along would make every cold start longer. */
async function readProfile(file: string): Promise<ProfileTable> {
  const { readTable } = await import('../../profiles/table-file.ts');
  return readTable(file);
}

/** Why the process ends: somebody wants it to, or the inference thread is gone. */
class Ending {
  readonly reached: Promise<string>;
  begin!: (reason: string) => void;
  fail!: (error: InflessError) => void;

  constructor() {
    this.reached = new Promise((resolve, reject) => {
      this.begin = resolve;
      this.fail = reject;
    });
    this.reached.catch(() => {}); // may fail while no one waits yet
    const onSignal = (signal: NodeJS.Signals): void => {
      // Without our handlers a second signal ends the process at once, as the system does it.
      process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
      this.begin(signal);
    };
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  }
}

async function listen(app: FastifyInstance, { host, port }: ServerSettings): Promise<number> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    throw listenError(error, host, port, {
      taken: 'Stop the program that uses it, or set INFLESS_PORT to another one (0 picks a free one).',
      refused: 'Set INFLESS_HOST and INFLESS_PORT to an address of this machine that is ours to use.',
    });
  }
  const bound = (app.server.address() as AddressInfo).port;
  // The parent may be gone by now, which is no reason to stop.
  if (process.connected) process.send?.({ type: 'listening', port: bound }, undefined, undefined, () => {});
  return bound;
}

/** The threads that the table was measured with are part of what it says. */
function measuredThreading(
  table: ProfileTable | undefined,
  { cpuMillicores, gpuPercent }: ServerSettings,
): Threading | undefined {
  const choices = gpuPercent > 0 ? [] : (table?.threading ?? []);
  return choices.length === 0 ? undefined : threadingOf(cpuMillicores, choices);
}

function startThread(
  instance: Instance,
  threading: Threading | undefined,
  logger: Logger,
  ending: Ending,
): InferenceThread {
  let firstAnswerMs: number | undefined;
  const { settings } = instance;
  const maxRows = mostRows(settings);
  const maxFrameRows = maxRows * settings.maxBatch;
  return new InferenceThread({ ...settings, maxRows, maxFrameRows, threading }, (event) => {
    switch (event.type) {
      case 'loaded':
        instance.markLoaded(event.model);
        logger.info({ model: event.model.name, loadMs: Math.round(event.model.loadMs) }, 'model loaded');
        break;
      case 'answered':
        firstAnswerMs = performance.now(); // counts from the start of the process
        break;
      case 'audited':
        instance.metrics.countAudit(event.difference !== undefined);
        if (event.difference !== undefined) {
          logger.warn({ reason: event.difference }, 'a batch was run again, and its answers were others');
        }
        break;
      case 'stopped-batching':
        instance.stopBatching();
        logger.warn(
          { reason: event.reason },
          'requests of this model cannot share runs; they run one by one from now on',
        );
        break;
      case 'warmup-failed':
        logger.warn(
          { reason: event.reason },
          'generated inputs did not go through; first requests may be slow',
        );
        break;
      case 'ready':
        instance.markReady(firstAnswerMs ?? performance.now(), event.warmup, roomForBodies(logger));
        if (instance.phase === 'ready') logger.info({ report: instance.readyReport() }, 'ready');
        break;
      case 'defect':
        logger.error({ stack: event.stack }, 'defect in the inference thread');
        break;
      case 'failed':
        ending.fail(event.error);
        break;
    }
  });
}

/** What bodies and answers may take once the largest batch has run; undefined where memory has no limit. */
function roomForBodies(logger: Logger): number | undefined {
  const limitBytes = memoryLimitBytes();
  if (limitBytes === undefined) return undefined;
  const residentBytes = process.memoryUsage.rss();
  const { heldBytes } = roomFor(limitBytes, residentBytes);
  logger.info({ limitBytes, residentBytes, heldBytes }, 'memory is limited, and so are bodies and answers');
  return heldBytes;
}

/** Closes also connections on which nothing was ever asked: by itself the server would wait for them. */
async function close(app: FastifyInstance): Promise<void> {
  const closed = app.close();
  await Promise.race([closed, sleep(FLUSH_MS)]);
  app.server.closeAllConnections();
  await closed;
}

/** Waits for what was taken in and for the thread, at most `drainMs`. */
async function drain(instance: Instance, thread: InferenceThread, logger: Logger): Promise<void> {
  const { drainMs } = instance.settings;
  const answered = instance.drain();
  const ended = answered.then(() => thread.close()).then(() => true);
  if (await Promise.race([ended, sleep(drainMs, false)])) return;
  logger.error({ drainMs }, 'giving up what is still in flight');
  instance.abandon();
  await Promise.race([answered, sleep(FLUSH_MS)]);
  // A batch is still running, and ending its thread in the middle would abort the process anyway, with a core
  // dump.
  process.kill(process.pid, 'SIGKILL');
}

function estimateFrom(
  table: ProfileTable | undefined,
  model: LoadedModel,
  settings: ServerSettings,
  logger: Logger,
) {
  if (table === undefined) return undefined;
  if (table.model.digest === model.manifest.digest) return profileEstimate(table, settings);
  logger.warn(
    { profile: settings.profile, tableModel: table.model.digest, model: model.manifest.digest },
    'the profile table is of another model; execution times are learned instead',
  );
  return undefined;
}
