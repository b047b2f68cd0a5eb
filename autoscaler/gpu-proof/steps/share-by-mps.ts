import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatBytes, formatDuration } from '../../../models/base/units.ts';
import { resolveModel } from '../../../models/resolve/resolve-model.ts';
import { type ComputeApp, readComputeApps } from '../../../profiler/gpu/compute-apps.ts';
import { openGpuShares } from '../../../profiler/gpu/shares.ts';
import { firstCard } from '../card/absence.ts';
import { Client } from '../card/client.ts';
import { mpsProcesses } from '../leftovers.ts';
import type { Step } from '../step.ts';

const CONFIG = { batch: 8, cpuMillicores: 2000, gpuPercent: 50 };
/** The daemon's servers end a moment after it was told to. */
const PATIENCE_MS = 5000;

/**
 * Step e: our MPS daemon, two clients at half of the card each, one of them killed, and nothing left behind.
 */
export const shareByMps: Step = async ({ doing, record, size }) => {
  const card = await firstCard(doing);
  if ('verdict' in card) return card.verdict;
  const model = await resolveModel(size.model);
  const timeMs = 3 * size.cellTimeMs;
  doing('starting the MPS daemon');
  const begin = performance.now();
  const mps = await openGpuShares(card.gpu, 0, [CONFIG.gpuPercent]);
  const upMs = performance.now() - begin;
  record({ upMs, processes: await mpsProcesses() });
  const clients: Client[] = [];
  let downMs = Number.NaN;
  try {
    const environment = mps.environmentFor(CONFIG.gpuPercent);
    doing('opening two clients');
    const opened = await Promise.all([1, 2].map(() => Client.open(model, CONFIG, environment)));
    clients.push(...opened.map(({ client }) => client));
    const apps = (await readComputeApps()) ?? [];
    record({ opened: opened.map((each) => each.opened), processesWithClients: await mpsProcesses(), apps });
    doing('running both');
    const both = await Promise.all(clients.map((client) => client.measure(timeMs)));
    record({ bothMs: both.map(({ latencyMs }) => latencyMs.mean) });
    doing('killing one');
    const survivor = clients[0]!.measure(timeMs);
    await sleep(timeMs / 3);
    await clients[1]!.kill();
    const alone = await survivor;
    record({ survivorMs: alone.latencyMs });
    doing('opening a third');
    const third = await Client.open(model, CONFIG, environment);
    clients.push(third.client);
    record({ third: third.opened });
    const [bothMs, aloneMs] = [both[0]!.latencyMs.mean, alone.latencyMs.mean];
    await Promise.all(clients.map((client) => client.kill()));
    doing('ending the daemon');
    const end = performance.now();
    await mps.close();
    const left = await waitForNone();
    downMs = performance.now() - end;
    record({ downMs, left });
    const parts = [
      `daemon up in ${formatDuration(upMs)}`,
      `two clients at ${CONFIG.gpuPercent} % took ${formatDuration(bothMs)} a batch of ${CONFIG.batch}`,
      memoryOf(apps, clients),
      `one was killed, the other went on at ${formatDuration(aloneMs)}`,
      'a third came in',
      `daemon down in ${formatDuration(downMs)}`,
      left.length === 0 ? 'nothing left' : `left: ${left.join(', ')}`,
    ];
    return { outcome: left.length === 0 ? 'passed' : 'failed', sentence: `${parts.join('; ')}.` };
  } finally {
    await Promise.all(clients.map((client) => client.kill()));
    // what went wrong before is the better story
    if (Number.isNaN(downMs)) await mps.close().catch(() => undefined);
  }
};

/** Whether the driver tells processes and their memory apart, which decides how memory is measured. */
function memoryOf(apps: readonly ComputeApp[], clients: readonly Client[]): string {
  const told = clients.map(({ pid }) => apps.find((app) => app.pid === pid)?.usedMemoryBytes ?? undefined);
  const known = told.filter((bytes) => bytes !== undefined);
  if (known.length === 0) return `the driver tells ${apps.length} processes, and not which are ours`;
  return `the driver tells their memory, ${known.map(formatBytes).join(' and ')}`;
}

/** What is still there of the daemon when it has had its time: processes and folders. */
async function waitForNone(): Promise<readonly string[]> {
  const begin = performance.now();
  for (;;) {
    const folders = (await readdir(tmpdir())).filter((name) => name.startsWith('infless-mps-'));
    const left = [...(await mpsProcesses()).map(({ name }) => name), ...folders];
    if (left.length === 0 || performance.now() - begin > PATIENCE_MS) return left;
    await sleep(50);
  }
}
