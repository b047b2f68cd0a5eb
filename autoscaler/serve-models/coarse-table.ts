import { formatDuration } from '../../models/base/units.ts';
import { canBatch } from '../../models/manifest/manifest.ts';
import { availableCpuMillicores } from '../../profiler/quota/cpu-limit.ts';
import { progressListener } from '../../profiler/report/progress-line.ts';
import { profileModel } from '../../profiler/sweep/profile-model.ts';
import { readHost, sameHost } from '../../profiles/host.ts';
import { findTable, type StoredTable } from '../../profiles/store.ts';
import type { ProfileTable } from '../../profiles/table.ts';
import type { GivenModel } from './given-models.ts';

/** Batches that are measured: a curve, and no more than a few seconds. */
const BATCHES = [1, 2, 4, 8];
/** Quotas that one thread can use: what serving needs to begin, without trials of numbers of threads. */
const ONE_THREAD = [500, 1000];
/** Of the time that may pass, what loading a model and trying its first cells take before a cell counts. */
const OVERHEAD_MS = 6_000;
const CELL_TIME_MS = 500;

/** The table that a model is served by, and whether it was measured just now. */
export interface KnownTable {
  readonly table: ProfileTable;
  readonly isCoarse: boolean;
}

/** The table of a model as measured on this machine, or on one like it. */
export async function tableOfHere({ model }: GivenModel): Promise<StoredTable | undefined> {
  const found = await findTable(model.manifest.digest);
  return found !== undefined && sameHost(found.table.host, await readHost()) ? found : undefined;
}

/**
 * Measures a coarse table: up to eight cells of two quotas of one thread. It is kept where
 * `infless profile` keeps its tables, which replaces it by a precise one.
 *
 * @param limitMs how long that may take; what is not measured by then is predicted
 */
export async function coarseTable(
  { reference, model }: GivenModel,
  limitMs: number,
  signal: AbortSignal,
): Promise<ProfileTable> {
  const available = await availableCpuMillicores();
  const quotas = ONE_THREAD.filter((quota) => quota <= available);
  return profileModel(
    reference,
    {
      quick: true,
      batches: canBatch(model.manifest) ? BATCHES : [1],
      cpuMillicores: quotas.length > 0 ? quotas : [available],
      gpuPercents: [0],
      cellTimeMs: CELL_TIME_MS,
      maxTimeMs: Math.max(limitMs - OVERHEAD_MS, 0),
      resume: 'if-interrupted',
    },
    progressListener(process.stderr),
    signal,
  );
}

/** What a table is worth, in a line. */
export function tableText({ cells, createdAt, quota }: ProfileTable, measuredMs?: number): string {
  const measured = cells.filter(({ samples }) => samples > 0).length;
  const held = isHeld(quota.mechanism) ? '' : `; CPU quotas do not hold here (${quota.mechanism})`;
  if (measuredMs === undefined) return `${measured} cells measured on ${createdAt.slice(0, 10)}${held}`;
  return `coarse: ${measured} of ${cells.length} cells measured in ${formatDuration(measuredMs)}${held}`;
}

function isHeld(mechanism: string): boolean {
  return mechanism.startsWith('cgroup');
}
