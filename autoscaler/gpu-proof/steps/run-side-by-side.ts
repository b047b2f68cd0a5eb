import { messageOf } from '../../../models/base/errors.ts';
import { formatDuration } from '../../../models/base/units.ts';
import type { ModelFile } from '../../../models/manifest/manifest.ts';
import { resolveModel } from '../../../models/resolve/resolve-model.ts';
import { type GpuShares, openGpuShares } from '../../../profiler/gpu/shares.ts';
import type { Config } from '../../../profiles/config.ts';
import type { SmiGpu } from '../../../profiles/gpu/smi-xml.ts';
import type { Cell } from '../../../profiles/table.ts';
import { firstCard } from '../card/absence.ts';
import { Client } from '../card/client.ts';
import type { Step } from '../step.ts';
import { tableOfSweep } from '../table-of-step.ts';

const HALF: Config = { batch: 8, cpuMillicores: 4000, gpuPercent: 50 };
const WHOLE: Config = { ...HALF, gpuPercent: 100 };

/** What a share may lose to a neighbour that keeps to its own. */
const MOST_SLOWDOWN = 1.2;

/**
 * Step g: a share of the card alone, beside another that keeps to its half, and beside one that is allowed
 * all of it.
 */
export const runSideBySide: Step = async (context) => {
  const { doing, record, size } = context;
  const card = await firstCard(doing);
  if ('verdict' in card) return card.verdict;
  const model = await resolveModel(size.model);
  const timeMs = 2 * size.cellTimeMs;
  doing('sharing the card');
  const shares = await sharesOf(card.gpu);
  record({ sharing: shares.how });
  try {
    const run = (...configs: Config[]) => together(model, configs, shares, timeMs);
    doing('one at 50 %');
    const [alone] = await run(HALF);
    record({ aloneMs: alone });
    doing('two at 50 %');
    const halves = await run(HALF, HALF);
    record({ halvesMs: halves });
    doing('one at 50 % and one at 100 %');
    const beside = await run(HALF, WHOLE);
    record({ besideWholeMs: beside });
    const cell = await cellOfTable(context);
    const tabulatedMs = cell?.latencyMs.mean;
    record({ tabulatedMs: tabulatedMs ?? null, isPredicted: cell?.predicted === true });
    const slowdown = Math.max(...halves) / alone!;
    return {
      outcome: slowdown <= MOST_SLOWDOWN ? 'passed' : 'failed',
      sentence:
        `b8 at 50 % by ${shares.how}: ${formatDuration(alone!)} alone${tabulatedMs === undefined ? '' : ` (table${cell?.predicted === true ? ', predicted' : ''}: ${formatDuration(tabulatedMs)})`}, ` +
        `two side by side ${halves.map(formatDuration).join(' and ')} (${slowdown.toFixed(2)} times), ` +
        `beside one at 100 % ${formatDuration(beside[0]!)} (${(beside[0]! / alone!).toFixed(2)} times).`,
    };
  } finally {
    await shares.close();
  }
};

type Shares = Pick<GpuShares, 'environmentFor' | 'close'> & { readonly how: string };

/**
 * Or, where shares cannot be had, time slices: the card runs whoever has work, in turn, and percentages bind
 * no one.
 */
async function sharesOf(gpu: SmiGpu): Promise<Shares> {
  try {
    const shares = await openGpuShares(gpu, 0, [HALF.gpuPercent, WHOLE.gpuPercent]);
    return {
      how: shares.sharing,
      environmentFor: (percent) => shares.environmentFor(percent),
      close: () => shares.close(),
    };
  } catch (error) {
    return {
      how: `time slices (${messageOf(error)})`,
      environmentFor: () => (gpu.uuid === null ? {} : { CUDA_VISIBLE_DEVICES: gpu.uuid }),
      close: async () => {},
    };
  }
}

/** Mean times of a batch of instances that run at the same time. */
async function together(
  model: ModelFile,
  configs: readonly Config[],
  shares: Shares,
  timeMs: number,
): Promise<readonly number[]> {
  const clients: Client[] = [];
  try {
    for (const config of configs) {
      clients.push((await Client.open(model, config, shares.environmentFor(config.gpuPercent))).client);
    }
    const measured = await Promise.all(clients.map((client) => client.measure(timeMs)));
    return measured.map(({ latencyMs }) => latencyMs.mean);
  } finally {
    await Promise.all(clients.map((client) => client.kill()));
  }
}

/** What the table of step f says of the same share, if there is one. */
async function cellOfTable(context: Parameters<Step>[0]): Promise<Cell | undefined> {
  const found = await tableOfSweep(context);
  if ('verdict' in found) return undefined;
  return found.table.cells.find(
    ({ batch, gpuPercent, cpuMillicores }) =>
      batch === HALF.batch && gpuPercent === HALF.gpuPercent && cpuMillicores === HALF.cpuMillicores,
  );
}
