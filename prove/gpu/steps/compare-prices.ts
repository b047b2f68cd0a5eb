import type { UniformSet } from '../../../autoscaler/plan/explain/uniform-sets.ts';
import { setsByPrice } from '../../../autoscaler/plan/explain/uniform-sets.ts';
import { percentileRateModel } from '../../../autoscaler/plan/rates/percentile-rates.ts';
import { ServiceTimes } from '../../../autoscaler/plan/service-times.ts';
import { formatConfig } from '../../../profiles/config.ts';
import type { Step } from '../step.ts';
import { tableOfSweep } from '../table-of-step.ts';

const SLOS_MS = [50, 100, 200];
const PERCENTILE = 99;
const HIGHEST_PER_SECOND = 20_000;
const FACTOR = 1.25;

/** Step i: with the table of step f, at which rate a share of the card becomes cheaper than cores. */
export const comparePrices: Step = async (context) => {
  const found = await tableOfSweep(context);
  if ('verdict' in found) return found.verdict;
  const candidates = new ServiceTimes(found.table).candidates({ maxBatch: 1024, percentile: PERCENTILE });
  const sentences: string[] = [];
  for (const sloMs of SLOS_MS) {
    context.doing(`planning for ${sloMs} ms`);
    const slo = { sloMs, percentile: PERCENTILE, arrivalCv: 1 };
    let last: UniformSet | undefined;
    let turn:
      | { readonly rate: number; readonly before: UniformSet | undefined; readonly after: UniformSet }
      | undefined;
    const course: unknown[] = [];
    for (let rate = 1; rate <= HIGHEST_PER_SECOND; rate *= FACTOR) {
      const sets = setsByPrice({
        candidates,
        slo,
        rates: percentileRateModel,
        ratePerSecond: rate,
        fewest: 1,
      });
      const cheapest = sets[0];
      if (cheapest === undefined) break;
      const cheapestOf = (onGpu: boolean) =>
        sets.find(({ candidate }) => candidate.config.gpuPercent > 0 === onGpu);
      course.push({
        rate,
        cheapest: told(cheapest),
        cpu: priceOf(cheapestOf(false)),
        gpu: priceOf(cheapestOf(true)),
      });
      if (cheapest.candidate.config.gpuPercent > 0 && turn === undefined)
        turn = { rate, before: last, after: cheapest };
      last = cheapest;
    }
    context.record({ [`slo${sloMs}ms`]: course });
    sentences.push(sentenceOf(sloMs, turn, last));
  }
  return { outcome: 'passed', sentence: sentences.join('; ') };
};

function sentenceOf(
  sloMs: number,
  turn:
    | { readonly rate: number; readonly before: UniformSet | undefined; readonly after: UniformSet }
    | undefined,
  last: UniformSet | undefined,
): string {
  if (last === undefined) return `${sloMs} ms: no config keeps it`;
  if (turn === undefined) return `${sloMs} ms: cores are cheaper at every rate up to ${HIGHEST_PER_SECOND}/s`;
  const before =
    turn.before === undefined
      ? 'from the first request on'
      : `from ${turn.rate.toFixed(0)}/s on, before ${told(turn.before)}`;
  return `${sloMs} ms: ${told(turn.after)} is cheaper ${before}`;
}

function told({ instances, candidate }: UniformSet): string {
  return `${instances} × ${formatConfig(candidate.config)}`;
}

function priceOf(set: UniformSet | undefined): { readonly set: string; readonly gflops: number } | null {
  return set === undefined ? null : { set: told(set), gflops: set.price };
}
