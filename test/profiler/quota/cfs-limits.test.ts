import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InflessError } from '../../../models/base/errors.ts';
import { parseCoreList } from '../../../profiler/quota/affinity.ts';
import { cfsLimits, checkPeriodMicros } from '../../../profiler/quota/cfs-limits.ts';
import { parseFlatKeyed, safeName } from '../../../profiler/quota/cgroup-directory.ts';

describe('cfsLimits', () => {
  it('keeps the preferred period where the kernel takes the quota', () => {
    expect(cfsLimits(500, 10_000)).toEqual({ quotaMicros: 5_000, periodMicros: 10_000 });
    expect(cfsLimits(1500, 10_000)).toEqual({ quotaMicros: 15_000, periodMicros: 10_000 });
    expect(cfsLimits(100, 10_000)).toEqual({ quotaMicros: 1_000, periodMicros: 10_000 });
  });

  it('stretches the period for a quota below a millisecond', () => {
    expect(cfsLimits(50, 10_000)).toEqual({ quotaMicros: 1_000, periodMicros: 20_000 });
    expect(cfsLimits(1, 10_000)).toEqual({ quotaMicros: 1_000, periodMicros: 1_000_000 });
  });

  it('is what was asked for, within what the kernel accepts', () => {
    const millicores = fc.integer({ min: 1, max: 256_000 });
    const period = fc.integer({ min: 1_000, max: 1_000_000 });
    fc.assert(
      fc.property(millicores, period, (cpuMillicores, preferred) => {
        const { quotaMicros, periodMicros } = cfsLimits(cpuMillicores, preferred);
        expect(quotaMicros).toBeGreaterThanOrEqual(1_000);
        expect(periodMicros).toBeGreaterThanOrEqual(preferred);
        expect(periodMicros).toBeLessThanOrEqual(1_000_000);
        const given = (1000 * quotaMicros) / periodMicros;
        expect(Math.abs(given - cpuMillicores) / cpuMillicores).toBeLessThan(0.001);
      }),
    );
  });

  it('refuses what is no amount of CPU', () => {
    expect(() => cfsLimits(0, 10_000)).toThrow(InflessError);
    expect(() => cfsLimits(Number.NaN, 10_000)).toThrow('not possible');
  });
});

describe('checkPeriodMicros', () => {
  it.each([999, 1_000_001, 10_000.5, Number.NaN])('refuses %s', (period) => {
    expect(() => checkPeriodMicros(period)).toThrow('not possible');
  });
});

describe('safeName', () => {
  it('leaves a good name alone', () => {
    expect(safeName('mnist-7f_3.a')).toBe('mnist-7f_3.a');
  });

  it('makes a file name of anything, so that it stays itself', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300, unit: 'binary' }), (name) => {
        const safe = safeName(name);
        expect(safe).toMatch(/^[A-Za-z0-9_.-]{1,200}$/);
        expect(safeName(safe)).toBe(safe);
      }),
    );
  });

  it('keeps names apart that look alike', () => {
    expect(safeName('a/b')).not.toBe(safeName('a b'));
  });
});

describe('what the kernel tells', () => {
  it('reads core lists', () => {
    expect(parseCoreList(' 0-2,5\n')).toEqual([0, 1, 2, 5]);
    expect(parseCoreList('7')).toEqual([7]);
  });

  it('reads cpu.stat', () => {
    const stat = parseFlatKeyed('nr_periods 102\nnr_throttled 100\nthrottled_time 495239035\n');
    expect(stat.get('nr_throttled')).toBe(100);
    expect(stat.get('throttled_time')).toBe(495_239_035);
  });
});
