import type { Step } from '../../step.ts';
import { tableOfSweep } from '../../table-of-step.ts';
import { CARD_PRICE_CORES, compareByPrice, describe, formatSet, withoutCodec } from './worth.ts';

const SLOS_MS = [50, 100, 200];

/**
 * Step i: with the table of step f, at which rate a share of the card becomes cheaper than cores, and at
 * which price it would; of JSON, which one core reads however fast the card is, and of binary input, which
 * takes no reading.
 */
export const comparePrices: Step = async (context) => {
  const found = await tableOfSweep(context);
  if ('verdict' in found) return found.verdict;
  const tables = { JSON: found.table, 'binary input': withoutCodec(found.table) };
  const sentences: string[] = [];
  for (const sloMs of SLOS_MS) {
    context.doing(`planning for ${sloMs} ms`);
    const forms = Object.entries(tables).map(([form, table]) => {
      const comparison = compareByPrice(table, sloMs);
      context.record({
        [`${sloMs} ms, ${form}`]: comparison.rates.map(({ ratePerSecond, cores, shares, worthCores }) => ({
          ratePerSecond,
          cores: cores === undefined ? null : { set: formatSet(cores), gflops: cores.price },
          shares: shares === undefined ? null : { set: formatSet(shares), gflops: shares.price },
          worthCores: worthCores ?? null,
        })),
      });
      return `${form}: ${describe(comparison)}`;
    });
    sentences.push(`${sloMs} ms, ${forms.join('; ')}`);
  }
  return {
    outcome: 'passed',
    sentence: `${sentences.join('. ')}. A card is priced as ${CARD_PRICE_CORES.toFixed(0)} cores.`,
  };
};
