import { InflessError } from '../../models/base/errors.ts';
import { packageVersion } from '../../models/base/package.ts';
import { engineFor } from '../../models/engines/index.ts';
import { generateInputs } from '../../models/manifest/inputs.ts';
import type { ModelFile } from '../../models/manifest/manifest.ts';
import { resolveModel } from '../../models/resolve/resolve-model.ts';
import { frontierOf } from '../../profiles/best-config.ts';
import { withTails } from '../../profiles/capacity/tails.ts';
import { isImported, whyDue } from '../../profiles/conditions/due.ts';
import { givenShapes, measuredShapes, shapeDifference } from '../../profiles/conditions/shapes.ts';
import { type Config, configKey, formatConfig } from '../../profiles/config.ts';
import { readHost, sameHost } from '../../profiles/host.ts';
import { findTable, type StoredTable, saveTable } from '../../profiles/store.ts';
import type { Cell, ProfileTable } from '../../profiles/table.ts';
import { openSweepGpu } from '../gpu/sweep-gpu.ts';
import { checkPeriodMicros } from '../quota/cfs-limits.ts';
import { openSweepQuotas } from '../quota/measurement-quotas.ts';
import { CellRunner } from './cell-runner.ts';
import { measureFrontier } from './frontier-period.ts';
import { type ProfileListener, remainingMs, TimeLimit } from './progress.ts';
import { type ProfileOptions, settingsOf } from './sweep-options.ts';

/** Which cells of a table are measured again. */
export type Stale = readonly Config[] | 'frontier';

/**
 * Measures some cells of the table that is known of a model again and saves it where it was. All other cells
 * stay as they were: their conditions have to be those of here.
 *
 * @throws InflessError PROFILE_NOT_FOUND where there is no table; PROFILE_INVALID where it was measured under
 * other conditions than would be now; INVALID_INPUT for a config that it does not have. When aborted, the
 * signal's reason.
 */
export async function refreshTable(
  reference: string,
  stale: Stale,
  options: ProfileOptions = {},
  onProgress: ProfileListener = () => undefined,
  signal?: AbortSignal,
): Promise<ProfileTable> {
  const { modelName, like = {}, otherPeriodMicros } = options;
  if (otherPeriodMicros !== undefined) checkPeriodMicros(otherPeriodMicros);
  const note = (text: string): void => onProgress({ type: 'note', text });
  const model = await resolveModel(reference, {
    ...(modelName === undefined ? {} : { name: modelName }),
    batching: options.batching ?? 'proven',
    like,
  });
  const { file, table } = await tableToRefresh(reference, model);
  note(`Refreshing ${file}.`);
  const settings = settingsOf(options);
  const limit = new TimeLimit(options.maxTimeMs);
  const percents = table.cells.map(({ gpuPercent }) => gpuPercent);
  const engine = engineFor(model.manifest.format);
  const gpu = await openSweepGpu(percents, { engine, provider: table.accelerator?.provider }, note);
  const runnerUnder = async (periodMicros: number | null): Promise<CellRunner> => {
    const quotas = await openSweepQuotas({
      mechanism: table.quota.mechanism,
      ...(periodMicros === null ? {} : { periodMicros }),
    });
    return new CellRunner({ model, settings, quotas, gpu }, signal);
  };
  try {
    let cells = table.cells;
    // with a period of its own, the frontier is measured under that
    const wanted = stale === 'frontier' && otherPeriodMicros !== undefined ? [] : chosenCells(table, stale);
    const runner = await runnerUnder(table.quota.periodMicros);
    const finishedMs: number[] = [];
    for (const [done, cell] of wanted.entries()) {
      const remaining = remainingMs(finishedMs, wanted.length - done, settings.cellTimeMs);
      if (remainingMs(finishedMs, 1, settings.cellTimeMs) > limit.leftMs) break;
      const state = { total: wanted.length, remainingMs: remaining };
      onProgress({ type: 'cell-started', config: cell, done, ...state });
      const startedMs = performance.now();
      const result = await runner
        .within(limit)
        .measure(cell, { threads: cell.threads, spinning: cell.spinning });
      if (result === undefined) break;
      finishedMs.push(performance.now() - startedMs);
      if ('failure' in result) throw result.failure;
      cells = cells.map((old) => (configKey(old) === configKey(cell) ? replaced(old, result.cell) : old));
      onProgress({ type: 'cell-measured', ...result, done: done + 1, ...state });
    }
    let refreshed: ProfileTable = {
      ...table,
      tool: `infless-profile ${packageVersion}`,
      createdAt: new Date().toISOString(),
      cells,
    };
    if (otherPeriodMicros !== undefined) {
      const plan = { periodMicros: otherPeriodMicros, cellTimeMs: settings.cellTimeMs, limit };
      const other = await runnerUnder(otherPeriodMicros);
      refreshed = await measureFrontier(refreshed, { ...plan, runner: other }, onProgress);
    }
    const told = withTails(refreshed);
    onProgress({ type: 'saved', file: await saveTable(told, file) });
    return told;
  } finally {
    await gpu?.close();
  }
}

/** What was measured beside it stays: it is of the same config. */
function replaced(old: Cell, { speedFactor: _, ...measured }: Cell): Cell {
  const { otherPeriods, otherThreads, serving } = old;
  return {
    ...measured,
    ...(otherPeriods === undefined ? {} : { otherPeriods }),
    ...(otherThreads === undefined ? {} : { otherThreads }),
    ...(measured.serving === undefined && serving !== undefined ? { serving } : {}),
  };
}

function chosenCells(table: ProfileTable, stale: Stale): readonly Cell[] {
  if (stale === 'frontier') return [...new Set(frontierOf(table, 99).map(({ cell }) => cell))];
  return stale.map((config) => {
    const cell = table.cells.find((known) => configKey(known) === configKey(config));
    if (cell !== undefined) return cell;
    throw new InflessError('INVALID_INPUT', `The table has no cell ${formatConfig(config)}`, {
      remedy: `It has ${table.cells.map(formatConfig).join(', ')}.`,
    });
  });
}

async function tableToRefresh(reference: string, { manifest }: ModelFile): Promise<StoredTable> {
  const rows = measuredShapes(manifest, generateInputs(manifest, { batch: 1 }));
  const stored = await findTable(manifest.digest, { shapes: givenShapes(manifest), rowsOf: manifest });
  const anew = `infless-profile ${reference}`;
  if (stored === undefined) {
    throw new InflessError('PROFILE_NOT_FOUND', `There is no table of ${manifest.name} to refresh`, {
      remedy: `Measure one with: ${anew}`,
    });
  }
  const here: ProfileTable = { ...stored.table, shapes: rows };
  const why = await whyNotRefresh(stored.table, here, engineFor(manifest.format).version);
  if (why === undefined) return stored;
  throw new InflessError('PROFILE_INVALID', `Table ${stored.file} cannot be refreshed here: ${why}`, {
    remedy: `Measure all of it with: ${anew}`,
  });
}

/** A table is true of all of its cells, or of none. */
async function whyNotRefresh(
  table: ProfileTable,
  here: ProfileTable,
  engine: string,
): Promise<string | undefined> {
  if (isImported(table)) return 'it comes from another tool';
  if (!sameHost(table.host, await readHost())) return 'it was measured on another kind of host';
  if (table.engine !== engine) return `it was measured with ${table.engine}, here is ${engine}`;
  const shapes = shapeDifference(table, here);
  if (shapes !== undefined) return `its rows are ${shapes.join(', those asked for ')}`;
  return whyDue(table);
}
