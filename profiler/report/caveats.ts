import { type Cell, type ProfileTable, type Verdict, verdictSchema } from '../../profiles/table.ts';
import { isDisturbed } from '../disturbance.ts';
import { SAMPLES_FOR_TAIL } from '../stopping.ts';
import { confidenceOf } from './figures.ts';
import { hasIntervals } from './remarks.ts';

/** What a table's numbers do not say by themselves, as sentences. */
export function caveatsOf(table: ProfileTable): readonly string[] {
  if (!hasIntervals(table))
    return ['Nobody knows how precise these means are: the table is of another tool.'];
  const cells = table.cells.filter(({ predicted }) => predicted !== true);
  const vague = cells.filter((cell) => !cell.converged).length;
  const disturbed = cells.filter(isDisturbed).length;
  const few = cells.filter((cell) => cell.samples < SAMPLES_FOR_TAIL).length;
  return [
    ...predictionCaveat(table, cells.length),
    ...verdictCaveats(cells),
    ...speedCaveat(cells),
    ...(vague === 0
      ? []
      : [`~ ${vague} of ${cells.length} cells missed ${confidenceOf(table)} in their time.`]),
    ...(disturbed === 0
      ? []
      : [
          `! ${disturbed} of ${cells.length} cells took longer than the CPU they used explains: something else ran on this host. Measure again when it is quiet.`,
        ]),
    ...(few === 0
      ? []
      : [
          `The p99 of ${few} of ${cells.length} cells is about their slowest run: they have fewer than ${SAMPLES_FOR_TAIL} samples.`,
        ]),
  ];
}

/** Less is nothing to speak of. */
const NOTABLE_SPREAD = 0.05;

function speedCaveat(cells: readonly Cell[]): string[] {
  const factors = cells.flatMap(({ speedFactor }) => speedFactor ?? []);
  const spread = Math.max(...factors) / Math.min(...factors) - 1;
  if (factors.length < 2 || spread < NOTABLE_SPREAD) return [];
  return [
    `The host's speed varied by ${percent(spread)} from cell to cell: times are as of its usual speed.`,
  ];
}

function predictionCaveat({ cells, prediction }: ProfileTable, measured: number): string[] {
  if (prediction === undefined) return [];
  const { heldOut } = prediction;
  const quality =
    heldOut === null
      ? 'too few were measured to tell how well'
      : `each measured one, predicted from the others: off by ${percent(heldOut.median)} in the median, ${percent(heldOut.p90)} at p90, ${percent(heldOut.max)} at most`;
  return [`≈ ${cells.length - measured} of ${cells.length} cells are predicted, not measured (${quality}).`];
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`;
}

const VERDICTS: Readonly<Record<Verdict, string>> = {
  'batch-not-filled': 'waited for batches more than they computed',
  'noisy-host': 'were disturbed by other load on this host',
  drifting: 'were measured while the host became faster or slower',
  'not-warm': 'were not steady after warming up',
  'non-monotone': 'contradict their neighbours',
  'gpu-throttled': 'were measured while the GPU slowed down for heat or power',
  'gpu-shared': 'were measured while other processes computed on the GPU',
  throttled: 'are throttled although their threads fit the quota',
  spinning: 'spend much of their quota on threads that spin',
};

/** What was found wrong and stayed so, however often it was measured. */
function verdictCaveats(cells: readonly Cell[]): string[] {
  return verdictSchema.options.flatMap((verdict) => {
    const count = cells.filter(({ verdicts }) => verdicts?.includes(verdict)).length;
    return count === 0 ? [] : [`! ${count} of ${cells.length} measured cells ${VERDICTS[verdict]}.`];
  });
}
