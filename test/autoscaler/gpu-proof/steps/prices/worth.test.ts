import { join } from 'node:path';
import { describe as about, expect, it } from 'vitest';
import {
  CARD_PRICE_CORES,
  compareByPrice,
  describe,
  withoutCodec,
} from '../../../../../autoscaler/gpu-proof/steps/prices/worth.ts';
import { packageRoot } from '../../../../../models/base/package.ts';
import { scaleLatency } from '../../../../../profiles/statistics.ts';
import { readTable } from '../../../../../profiles/store.ts';
import type { ProfileTable } from '../../../../../profiles/table.ts';

const table = await readTable(join(packageRoot, 'test/autoscaler/gpu-proof/replays/h200/table.json'));

/** The same, with what runs on the card so many times as fast. */
function withCard(factor: number): ProfileTable {
  const cells = table.cells.map((cell) => {
    if (cell.gpuPercent === 0) return cell;
    return { ...cell, latencyMs: scaleLatency(cell.latencyMs, 1 / factor) };
  });
  return { ...table, cells };
}

about('a share of a card against cores, by price', () => {
  it('is worth more where its input takes no reading, as the card is what is used then', () => {
    const most = (of: ProfileTable): number =>
      Math.max(...compareByPrice(of, 100).rates.map(({ worthCores }) => worthCores ?? 0));
    expect(most(table)).toBeLessThan(20);
    expect(most(withoutCodec(table))).toBeGreaterThan(50);
    expect(describe(compareByPrice(table, 100))).toMatch(
      /^cores are cheaper up to 20000\/s, a card is worth \d\.\d cores \(at \d+\/s\)$/,
    );
  });

  it('is cheaper exactly where a card is worth more than its price', () => {
    const { rates } = compareByPrice(withoutCodec(withCard(4)), 100);
    expect(rates.some(({ worthCores }) => worthCores! > CARD_PRICE_CORES)).toBe(true);
    for (const { cores, shares, worthCores } of rates)
      expect(shares!.price < cores!.price).toBe(worthCores! > CARD_PRICE_CORES);
    expect(describe({ sloMs: 100, rates })).toMatch(
      /^1 × b\d+ c\d g\d+ from \d+\/s on, before \d+ × b\d+ c\d, a card is worth/,
    );
  });

  it('has no price to compare with where cores alone are too slow', () => {
    const onlyCard = { ...table, cells: table.cells.filter(({ gpuPercent }) => gpuPercent > 0) };
    const comparison = compareByPrice(onlyCard, 100);
    expect(comparison.rates.every(({ worthCores }) => worthCores === undefined)).toBe(true);
    expect(describe(comparison)).toMatch(/^1 × b1 c1 g25 from 1\/s on, which cores alone cannot$/);
    expect(describe(compareByPrice(table, 1))).toBe('no config keeps it');
  });
});
