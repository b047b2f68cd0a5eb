import { open } from 'node:fs/promises';
import { InflessError, messageOf, systemCode } from '../../../models/base/errors.ts';
import { scaleRate, steppedRate } from '../../../profiler/load/arrivals/rates.ts';
import { readAzure2019 } from '../../simulation/arrivals/azure-2019.ts';
import { collectArrivals, readAzure2021 } from '../../simulation/arrivals/azure-2021.ts';
import type { Load } from './load.ts';

const MINUTE_MS = 60_000;

/** One function of a trace, with how busy it is. */
interface Traced {
  readonly functionId: string;
  readonly invocations: number;
  readonly load: Load;
}

/**
 * Loads from an Azure Functions trace, of 2019 (invocations a minute) or 2021 (each invocation), told apart
 * by the header.
 *
 * @param wanted for each load the function's id in the trace, or as much of its beginning as is unique;
 * undefined for the busiest of those not named
 * @param scale of the rates; recorded invocations can't be scaled
 * @throws InflessError INVALID_INPUT
 */
export async function readAzureLoads(
  file: string,
  wanted: readonly (string | undefined)[],
  scale: number,
): Promise<Load[]> {
  const is2019 = (await headOf(file)).includes('HashOwner');
  if (!is2019 && scale !== 1) {
    throw new InflessError(
      'INVALID_INPUT',
      `Recorded invocations cannot be scaled, as --scale ${scale} asks of ${file}`,
      {
        remedy: 'Leave --scale out, or use a trace of rates.',
      },
    );
  }
  const traced = is2019 ? await read2019(file, wanted, scale) : await read2021(file);
  const named = wanted.map((id) => (id === undefined ? undefined : functionOf(traced, id, file)));
  const others = traced.filter((each) => !named.includes(each));
  return named.map((each) => {
    const chosen = each ?? others.shift();
    if (chosen !== undefined) return chosen.load;
    throw new InflessError(
      'INVALID_INPUT',
      `Azure Functions trace ${file} has only ${traced.length} functions`,
      {
        remedy: `It takes ${wanted.length}: give fewer functions, or another trace.`,
      },
    );
  });
}

function functionOf(traced: readonly Traced[], id: string, file: string): Traced {
  const matching = traced.filter(({ functionId }) => functionId.startsWith(id));
  if (matching.length === 1) return matching[0]!;
  const how = matching.length === 0 ? 'no function' : `${matching.length} functions`;
  throw new InflessError('INVALID_INPUT', `Azure Functions trace ${file} has ${how} with an id of "${id}"`, {
    remedy: 'Give an id, or the beginning of one, behind "#".',
  });
}

/** Of tens of thousands of functions only those that may be wanted are kept. */
async function read2019(
  file: string,
  wanted: readonly (string | undefined)[],
  scale: number,
): Promise<Traced[]> {
  const kept: Traced[] = [];
  const ids = wanted.filter((id) => id !== undefined);
  for await (const { functionId, perMinute } of readAzure2019(file)) {
    const invocations = perMinute.reduce((sum, count) => sum + count, 0);
    const isNamed = ids.some((id) => functionId.startsWith(id));
    const least = kept[wanted.length - 1]?.invocations ?? -1;
    if (!isNamed && invocations <= least) continue;
    const rates = perMinute.map((count) => count / 60);
    const load: Load = { type: 'rate', curve: scaleRate(steppedRate(rates, MINUTE_MS), scale) };
    kept.push({ functionId, invocations, load });
    kept.sort((a, b) => b.invocations - a.invocations);
    const surplus = kept.findIndex(
      (each, index) => index >= wanted.length * 2 && !ids.some((id) => each.functionId.startsWith(id)),
    );
    if (surplus >= 0) kept.splice(surplus, 1);
  }
  return kept;
}

async function read2021(file: string): Promise<Traced[]> {
  const functions = await collectArrivals(readAzure2021(file));
  return functions.map(({ functionId, arrivalsMs }) => ({
    functionId,
    invocations: arrivalsMs.length,
    load: { type: 'times', timesMs: arrivalsMs },
  }));
}

async function headOf(file: string): Promise<string> {
  try {
    const handle = await open(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(256), 0, 256, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = systemCode(error);
    const why = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code ?? messageOf(error)})`;
    throw new InflessError('INVALID_INPUT', `Azure Functions trace ${file} ${why}`, {
      remedy: 'Check the path.',
      cause: error,
    });
  }
}
