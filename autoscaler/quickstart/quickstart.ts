import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause, systemClock } from '../../models/base/clock.ts';
import { defineProgram, option, toggle, type Values } from '../../models/base/command-line/option-table.ts';
import { wholeNumber } from '../../models/base/command-line/parsers.ts';
import { EXIT_INTERRUPTED, InflessError } from '../../models/base/errors.ts';
import { formatDuration, parseDurationMs } from '../../models/base/units.ts';
import type { ProfileTable } from '../../profiles/table.ts';
import { percentileRateModel } from '../planning/capacity/percentile-rates.ts';
import { LocalBackend } from '../service/local-backend.ts';
import { type Service, startService } from '../service/service.ts';
import { serviceLogger } from '../service/service-logger.ts';
import { BatchRecord, HostWatch } from './phases.ts';
import { Timeline } from './timeline.ts';
import { QUICKSTART_FUNCTIONS, type QuickstartFunction, tableFor } from './tour-functions.ts';
import { peakRate, rampOf, replay } from './tour-load.ts';
import { allMet, missedTexts, renderReport, type TourResult } from './tour-report.ts';

const OPTIONS = {
  port: option({
    flag: '-p, --port <number>',
    parse: wholeNumber(0, 65_535),
    default: '8080',
    help: 'port of the gateway; 0 picks a free one',
  }),
  duration: option({
    flag: '--duration <time>',
    parse: parseDurationMs,
    default: '20s',
    help: 'length of the replayed load',
  }),
  exit: toggle({
    flag: '--exit',
    help: 'stop after the report: exit code 0 if every function kept its SLO, 1 if not',
  }),
};

const READY_TIMEOUT_MS = 60_000;

/** `npm start`: from nothing to two endpoints that keep their latency targets, shown under load. */
export const quickstartProgram = defineProgram({
  name: 'npm start --',
  summary: 'Profile two models, serve them, load them, and show that their SLOs held.',
  options: OPTIONS,
  run: quickstart,
});

async function quickstart(options: Values<typeof OPTIONS>): Promise<void> {
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort()).once('SIGTERM', () => interrupt.abort());
  const stateDirectory = await mkdtemp(join(tmpdir(), 'infless-start-'));
  try {
    await tour(options, stateDirectory, interrupt.signal);
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    process.exitCode = EXIT_INTERRUPTED;
  } finally {
    await rm(stateDirectory, { recursive: true, force: true });
  }
}

async function tour(
  options: Values<typeof OPTIONS>,
  stateDirectory: string,
  signal: AbortSignal,
): Promise<void> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  say(
    '1. Profile: how fast is each model with how much? (coarsely, kept; the next time this step is skipped)',
  );
  const tables = new Map<string, ProfileTable>();
  for (const { name } of QUICKSTART_FUNCTIONS)
    tables.set(name, await tableFor(name, (line) => say(`   ${line}`), signal));

  const backend = new LocalBackend({ stateDirectory });
  const batches = new BatchRecord(tables);
  const service = await startService({
    host: '127.0.0.1',
    port: options.port,
    backend,
    rates: percentileRateModel,
    logger: serviceLogger('error'),
    onBatch: (functionName, batch) =>
      batches.note(functionName, batch, service.controller.instancesOf(functionName)),
  });
  try {
    say(`\n2. Serve: the autoscaler listens on ${service.url}`);
    for (const tour of QUICKSTART_FUNCTIONS) say(`   ${await declare(service, tour)}`);
    await Promise.all(QUICKSTART_FUNCTIONS.map(({ name }) => untilReady(service, name, signal)));

    const durationMs = options.duration;
    say(`\n3. Load: ${formatDuration(durationMs)} of Poisson arrivals that rise and fall, on both at once`);
    const timeline = new Timeline(service.controller, backend.platform, systemClock);
    const host = await HostWatch.start();
    await timeline.start();
    const replays = QUICKSTART_FUNCTIONS.map((tour, index) =>
      loadOne(service, tour, tables.get(tour.name)!, { durationMs, stateDirectory, seed: index + 1 }, signal),
    );
    const results = await Promise.all(replays);
    await timeline.stop();
    say(`\n${renderReport(results, timeline)}`);
    const busy = await host.text(timeline.cpuMs);
    for (const line of [...(busy === undefined ? [] : [busy]), ...missedTexts(results, timeline, batches)])
      say(line);

    if (options.exit) {
      process.exitCode = allMet(results) ? 0 : 1;
      return;
    }
    say(`\n${invitation(service)}`);
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  } finally {
    await service.close('stop');
  }
}

async function declare(service: Service, { name, description, sloMs }: QuickstartFunction): Promise<string> {
  await service.registry.declare({ name, model: name, slo: `${sloMs}ms` });
  return `${name} (${description}), SLO ${formatDuration(sloMs)} at p99: ${service.url}/function/${name}`;
}

async function untilReady(service: Service, name: string, signal: AbortSignal): Promise<void> {
  const expiresAtMs = systemClock.nowMs() + READY_TIMEOUT_MS;
  while (!service.controller.instancesOf(name).some(({ phase }) => phase === 'ready')) {
    signal.throwIfAborted();
    if (systemClock.nowMs() > expiresAtMs) {
      throw new InflessError(
        'PLATFORM_FAILED',
        `No instance of ${name} became ready within ${formatDuration(READY_TIMEOUT_MS)}`,
        {
          remedy: 'Try again when the machine is less busy.',
        },
      );
    }
    await pause(systemClock, 100);
  }
}

interface LoadSettings {
  readonly durationMs: number;
  readonly stateDirectory: string;
  readonly seed: number;
}

async function loadOne(
  service: Service,
  tour: QuickstartFunction,
  table: ProfileTable,
  { durationMs, stateDirectory, seed }: LoadSettings,
  signal: AbortSignal,
): Promise<TourResult> {
  const peakPerSecond = peakRate(table, tour);
  const url = `${service.url}/function/${tour.name}`;
  const load = await replay(
    {
      url,
      ramp: rampOf(tour, peakPerSecond, durationMs),
      sloMs: tour.sloMs,
      seed,
      reportFile: join(stateDirectory, `${tour.name}.json`),
    },
    signal,
  );
  return { name: tour.name, sloMs: tour.sloMs, load, peakPerSecond };
}

function invitation({ url }: Service): string {
  const tokens = Array.from({ length: 24 }, (_, index) => index + 1).join(',');
  return [
    'Still serving; Ctrl-C stops it. Try:',
    `  curl -s ${url}/function/lstm-maxclass-2365 -d '{"instances":[[${tokens}]]}' | cut -c1-200`,
    `  curl -s ${url}/api/functions`,
    `What it does and why: ${url}/ui`,
  ].join('\n');
}
