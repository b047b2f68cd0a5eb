import { describe, expect, it } from 'vitest';
import { JournalReader, JournalWriter } from '../../../autoscaler/journal/journal-line.ts';
import { decisionLines, explainRecorded, parseMoment } from '../../../autoscaler/journal/journal-text.ts';
import { percentileRateModel } from '../../../autoscaler/planning/capacity/percentile-rates.ts';
import { planCluster } from '../../../autoscaler/planning/planner.ts';
import { demandFor, nodesOf } from './recorded-inputs.ts';

const NOW = new Date(2026, 0, 31, 12, 30, 0).getTime();

describe('a moment', () => {
  it.each([
    ['12:03', new Date(2026, 0, 31, 12, 3, 59, 999)],
    ['12:03:20', new Date(2026, 0, 31, 12, 3, 20, 999)],
    ['12:30', new Date(2026, 0, 31, 12, 30, 59, 999)],
    ['12:31', new Date(2026, 0, 30, 12, 31, 59, 999)],
    ['2026-01-30T08:00:00Z', new Date('2026-01-30T08:00:00Z')],
  ])('%s', (text, moment) => {
    expect(parseMoment(text, NOW)).toBe(moment.getTime());
  });

  it.each(['noon', '25:00', '12:60', '', '12'])('%j is none', (text) => {
    expect(parseMoment(text, NOW)).toBeUndefined();
  });
});

describe('a recorded decision', () => {
  const input = {
    demands: [demandFor('web', 120)],
    cluster: { nodes: nodesOf(2), instances: [], leaving: [] },
    rates: percentileRateModel,
  };
  const reader = new JournalReader();
  const lines = new JournalWriter().linesOf('id-7', input, planCluster(input), NOW);
  const recorded = lines.map((line) => reader.read(line)).find((each) => each !== undefined)!;

  it('is a line a function', () => {
    expect(decisionLines(recorded)).toEqual([
      expect.stringMatching(/^.*12:30:00 id-7 web: 0 → .*: 120\/s forecast, 0\/s carried/),
    ]);
  });

  it('is explained: inputs, outcome, what binds and what was rejected', () => {
    const text = explainRecorded(recorded, recorded.functions[0]!);
    expect(text).toContain('change     nothing → ');
    expect(text).toContain('reasons    start (growth)');
    expect(text).toContain('forecast   120 requests/s with headroom');
    expect(text).toContain('SLO        200 ms at p99');
    expect(text).toMatch(/binding {4}(slo-tail|throughput)/);
    expect(text).toMatch(/why {8}\w/);
    expect(text.match(/rejected/g)!.length).toBeGreaterThan(3);
  });
});
