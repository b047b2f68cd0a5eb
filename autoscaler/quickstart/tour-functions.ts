import { formatDuration } from '../../models/base/units.ts';
import { resolveModel } from '../../models/resolve/resolve-model.ts';
import { profileDirectory } from '../../profiles/store.ts';
import type { ProfileTable } from '../../profiles/table.ts';
import { coarseTable, tableOfHere } from '../serve-models/coarse-table.ts';

/** A function of the tour: a model of the zoo, how fast it is to answer, and how its load moves. */
export interface QuickstartFunction {
  readonly name: string;
  readonly description: string;
  readonly sloMs: number;
  /** Share of this machine's CPU time that its load takes at its peak. */
  readonly peakCpuShare: number;
  /**
   * The rate over the replay as [share of the replay, share of the peak rate]: the two peak at different
   * times.
   */
  readonly course: readonly (readonly [number, number])[];
}

/**
 * Two models of different character: a convolutional net, whose batches cost as much as their requests one by
 * one, behind 1.6 MB of JSON a request; and a recurrent one that gains from batching, behind a hundred bytes.
 */
export const QUICKSTART_FUNCTIONS: readonly QuickstartFunction[] = [
  {
    name: 'mobilenet',
    description: 'image classification',
    sloMs: 500,
    peakCpuShare: 0.2,
    course: [
      [0, 0.2],
      [0.4, 1],
      [0.5, 1],
      [1, 0.1],
    ],
  },
  {
    name: 'lstm-maxclass-2365',
    description: 'text classification',
    sloMs: 250,
    peakCpuShare: 0.12,
    course: [
      [0, 0.3],
      [0.2, 0.2],
      [0.7, 1],
      [0.8, 1],
      [1, 0.3],
    ],
  },
];

/** How long measuring one model may take. */
const MEASURE_MS = 20_000;

/**
 * The table of a zoo model as measured on this machine; measured now, coarsely, when there is none in the
 * cache. Tables that come with the package don't count: they were measured elsewhere.
 */
export async function tableFor(
  name: string,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<ProfileTable> {
  const given = { functionName: name, reference: name, model: await resolveModel(name) };
  const found = await tableOfHere(given);
  if (found?.file.startsWith(profileDirectory())) {
    const { cells, createdAt } = found.table;
    say(`${name}: ${cells.length} cells, of ${createdAt.slice(0, 10)} (${found.file})`);
    return found.table;
  }
  say(`${name}: measuring for at most ${formatDuration(MEASURE_MS)}`);
  return coarseTable(given, MEASURE_MS, signal);
}
