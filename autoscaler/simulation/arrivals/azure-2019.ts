import { InflessError } from '../../../models/base/errors.ts';
import { randomOf, type Seed } from '../../../models/base/random.ts';
import { type CsvLayout, csvRows } from './csv-rows.ts';

/** One function's day: invocations in each minute. */
export interface MinuteCounts {
  readonly owner: string;
  readonly app: string;
  readonly functionId: string;
  /** `http`, `timer`, `queue`, … */
  readonly trigger: string;
  readonly perMinute: readonly number[];
}

const KEYS = ['HashOwner', 'HashApp', 'HashFunction', 'Trigger'];
const LAYOUT: CsvLayout = { what: 'Azure Functions 2019 trace', columns: [...KEYS, '1'] };
const MINUTE_MS = 60_000;

/**
 * Reads `invocations_per_function_md.anon.dNN.csv` of the Azure Functions Trace 2019 (*Serverless in the
 * Wild*, ATC'20), one function at a time.
 *
 * @throws InflessError INVALID_INPUT naming the line that is none
 */
export async function* readAzure2019(file: string): AsyncGenerator<MinuteCounts> {
  for await (const { line, fields } of csvRows(file, LAYOUT)) {
    const [owner, app, functionId, trigger, ...counts] = fields;
    const perMinute = counts.map(Number);
    const wrong = perMinute.findIndex((count) => !Number.isInteger(count) || count < 0);
    if (counts.length > 0 && wrong < 0) {
      yield { owner: owner!, app: app!, functionId: functionId!, trigger: trigger!, perMinute };
      continue;
    }
    const problem =
      counts.length === 0
        ? 'it has no counts'
        : `"${counts[wrong]}" in minute ${wrong + 1} is no number of invocations`;
    throw new InflessError('INVALID_INPUT', `${LAYOUT.what} ${file}, line ${line}: ${problem}`, {
      remedy: `A line has ${KEYS.join(', ')} and a count for each minute.`,
    });
  }
}

/**
 * Arrival times in ms that have these counts, each minute's at random moments within it: as Poisson arrivals
 * would be.
 */
export function* arrivalsOfCounts(
  perMinute: readonly number[],
  seed: Seed,
): Generator<number, void, undefined> {
  const random = randomOf(seed);
  for (const [minute, count] of perMinute.entries()) {
    const times = Float64Array.from({ length: count }, () => (minute + random()) * MINUTE_MS);
    yield* times.sort();
  }
}
