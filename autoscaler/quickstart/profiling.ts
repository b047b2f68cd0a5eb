import { resolveModel } from '../../models/resolve/resolve-model.ts';
import { progressListener } from '../../profiler/report/progress-line.ts';
import { profileModel } from '../../profiler/sweep/profile-model.ts';
import { readHost, sameHost } from '../../profiles/host.ts';
import { findTable, profileDirectory } from '../../profiles/store.ts';
import type { ProfileTable } from '../../profiles/table.ts';

/**
 * The table of a zoo model as measured on this machine; measured now, coarsely, when there is none in the cache. Tables
 * that come with the package don't count: they were measured elsewhere.
 */
export async function tableFor(
  name: string,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<ProfileTable> {
  const { manifest } = await resolveModel(name);
  const found = await findTable(manifest.digest);
  if (found?.file.startsWith(profileDirectory()) && sameHost(found.table.host, await readHost())) {
    say(
      `${name}: ${found.table.cells.length} cells measured before, on ${found.table.createdAt.slice(0, 10)} (${found.file})`,
    );
    return found.table;
  }
  say(`${name}: measuring`);
  return profileModel(name, { quick: true, resume: true }, progressListener(process.stderr), signal);
}
