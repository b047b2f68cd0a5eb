import { InflessError } from '../../../models/base/errors.ts';
import { type CsvLayout, csvRows } from './csv-rows.ts';

/** One invocation; times count from wherever the trace's clock does. */
export interface Invocation {
  readonly app: string;
  readonly functionId: string;
  readonly startMs: number;
  readonly durationMs: number;
}

const COLUMNS = ['app', 'func', 'end_timestamp', 'duration'];
const LAYOUT: CsvLayout = { what: 'Azure Functions 2021 trace', columns: COLUMNS };
const SECOND_MS = 1000;

/**
 * Reads the Azure Functions Invocation Trace 2021 (SOSP'21), one invocation at a time, in the order of the
 * file, which is not that of the starts.
 *
 * @throws InflessError INVALID_INPUT naming the line that is none
 */
export async function* readAzure2021(file: string): AsyncGenerator<Invocation> {
  for await (const { line, fields } of csvRows(file, LAYOUT)) {
    const [app, functionId, end, duration] = fields;
    const endSeconds = Number(end);
    const durationSeconds = Number(duration);
    const isValid =
      fields.length === COLUMNS.length && isTime(end, endSeconds) && isTime(duration, durationSeconds);
    if (!isValid) {
      throw new InflessError(
        'INVALID_INPUT',
        `${LAYOUT.what} ${file}, line ${line}: "${fields.join(',')}" is no invocation`,
        { remedy: `A line has ${COLUMNS.join(', ')}, times in seconds.` },
      );
    }
    yield {
      app: app!,
      functionId: functionId!,
      startMs: (endSeconds - durationSeconds) * SECOND_MS,
      durationMs: durationSeconds * SECOND_MS,
    };
  }
}

/** One function's arrivals, in ms from the trace's first. */
export interface FunctionArrivals {
  readonly app: string;
  readonly functionId: string;
  readonly arrivalsMs: Float64Array;
}

/**
 * Collects a trace by function, those with most invocations first; some 16 MB for the two weeks of the
 * original.
 */
export async function collectArrivals(invocations: AsyncIterable<Invocation>): Promise<FunctionArrivals[]> {
  const byFunction = new Map<string, { app: string; functionId: string; startsMs: number[] }>();
  let firstMs = Infinity;
  for await (const { app, functionId, startMs } of invocations) {
    firstMs = Math.min(firstMs, startMs);
    const key = `${app}/${functionId}`; // a function's id is unique within its app only
    const known = byFunction.get(key);
    if (known === undefined) byFunction.set(key, { app, functionId, startsMs: [startMs] });
    else known.startsMs.push(startMs);
  }
  return [...byFunction.values()]
    .map(({ app, functionId, startsMs }) => ({
      app,
      functionId,
      arrivalsMs: Float64Array.from(startsMs, (startMs) => startMs - firstMs).sort(),
    }))
    .sort((a, b) => b.arrivalsMs.length - a.arrivalsMs.length);
}

/** Seconds before the trace's own zero are possible: an invocation may have begun before it. */
function isTime(text: string | undefined, value: number): boolean {
  return text !== undefined && text.trim() !== '' && Number.isFinite(value);
}
