import { join } from 'node:path';
import { packageVersion } from '../models/base/package.ts';
import { formatCores } from '../models/base/units.ts';
import { engineFor } from '../models/engines.ts';
import { generateInputs } from '../models/inputs.ts';
import { canBatch, type ModelManifest } from '../models/manifest.ts';
import { resolveModel } from '../models/open.ts';
import { readHost } from '../profiles/host.ts';
import { profileDirectory, saveTable } from '../profiles/store.ts';
import { PROFILE_SCHEMA, type ProfileTable } from '../profiles/table.ts';
import { cellsOf, type Grid } from './grid.ts';
import { Journal } from './journal.ts';
import { gridOf, type ProfileOptions, settingsOf } from './profile-options.ts';
import type { ProfileListener } from './progress.ts';
import { openQuotas, type Quotas } from './quota/quota.ts';
import { removeStaleQuotas, sweep } from './sweep.ts';

export type { ProfileOptions } from './profile-options.ts';
export type { ProfileEvent, ProfileListener } from './progress.ts';

/**
 * Measures a model under every config of the grid and saves the table in the cache, where `findTable` finds it
 * by the model's digest.
 *
 * @param reference a zoo name or a model file
 * @param onProgress hears of every cell, of what could not be measured and of the file written
 * @param signal ends the sweep; finished cells stay in the journal
 * @throws InflessError: the model cannot be read, an option does not fit model or host, nothing could be measured,
 *   the cache cannot be written. When aborted, the signal's reason.
 */
export async function profileModel(
  reference: string,
  options: ProfileOptions = {},
  onProgress: ProfileListener = () => undefined,
  signal?: AbortSignal,
): Promise<ProfileTable> {
  const model = await resolveModel(
    reference,
    options.modelName === undefined ? {} : { name: options.modelName },
  );
  const { manifest } = model;
  const note = (text: string): void => onProgress({ type: 'note', text });
  const shapes = options.shapes ?? {};
  generateInputs(manifest, { batch: 1, shapes }); // a shape that does not fit is told before anything is measured
  const host = await readHost();
  const settings = settingsOf(options);
  const grid = gridOf(manifest, host.cpuCores, options);
  if (!canBatch(manifest)) note(`Model ${manifest.name} cannot batch: its batch axis is fixed or missing.`);

  const quotas = await openQuotas({
    ...(options.periodMicros === undefined ? {} : { periodMicros: options.periodMicros }),
    ...(options.mechanism === undefined ? {} : { mechanism: options.mechanism }),
  });
  await removeStaleQuotas(quotas);
  const { level, relativeError, cellTimeMs } = settings;
  const measured = {
    tool: `infless-profile ${packageVersion}`,
    engine: engineFor(manifest.format).version,
    quota: { mechanism: quotas.mechanism, periodMicros: await periodOf(quotas, grid, note) },
    confidence: { level, relativeError },
  };
  const { quota, confidence, ...tools } = measured;
  const journal = await Journal.open(
    options.journalFile ?? defaultJournalFile(manifest),
    {
      ...tools,
      ...quota,
      ...confidence,
      digest: manifest.digest,
      host: host.fingerprint,
      cellTimeMs,
      shapes,
    },
    options.resume ?? false,
  );
  tellFinding(journal, options.resume ?? false, note);

  try {
    const configs = cellsOf(grid, manifest.digest);
    const cells = await sweep({ model, configs, shapes, settings, quotas, journal }, onProgress, signal);
    const createdAt = new Date().toISOString();
    const table: ProfileTable = {
      schema: PROFILE_SCHEMA,
      createdAt,
      ...measured,
      model: manifest,
      host,
      cells: [...cells],
    };
    onProgress({ type: 'saved', file: await saveTable(table) });
    await journal.remove();
    return table;
  } finally {
    await journal.close();
  }
}

/** The period in force, which the kernel's limits may have moved away from the one asked for. */
async function periodOf(quotas: Quotas, grid: Grid, note: (text: string) => void): Promise<number | null> {
  if (quotas.weaknessReason !== undefined) {
    note(
      `${quotas.weaknessReason} The table records "${quotas.mechanism}": do not rely on what it says of fractions of a core.`,
    );
  }
  const ask = async (cpuMillicores: number): Promise<number | null> => {
    const quota = await quotas.create(`profile-${process.pid}-0`, cpuMillicores);
    await quota.remove();
    return quota.periodMicros;
  };
  const periodMicros = await ask(Math.max(...grid.cpuMillicores));
  const smallest = Math.min(...grid.cpuMillicores);
  const longest = await ask(smallest);
  if (longest !== periodMicros) {
    note(
      `A quota of ${formatCores(smallest)} cores needs a longer period: ${longest} µs instead of ${periodMicros} µs.`,
    );
  }
  return periodMicros;
}

/** The journal that `profileModel` keeps by default. */
export function defaultJournalFile({ name, digest }: ModelManifest): string {
  const safeName = name.replace(/[^\w.-]+/g, '-');
  return join(profileDirectory(), `${safeName}-${digest.slice('sha256:'.length).slice(0, 12)}.journal`);
}

function tellFinding({ finding, file }: Journal, resume: boolean, note: (text: string) => void): void {
  switch (finding.found) {
    case 'nothing':
      if (resume) note(`There is nothing to resume in ${file}: starting anew.`);
      return;
    case 'resumed':
      note(`Resuming with ${finding.cells} finished cells from ${file}.`);
      return;
    case 'put-aside':
      note(
        `An interrupted sweep with ${finding.cells} finished cells was there; it is kept as ${finding.keptAs} (--resume would have gone on with it).`,
      );
  }
}
