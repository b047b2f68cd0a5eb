import { count, percent, short } from './figures.ts';
import type { PolicyReport, WhatIfReport } from './report.ts';

/** A figure of a policy's run, for tables with policies side by side. */
export interface FigureRow {
  readonly label: string;
  readonly cell: (policy: PolicyReport) => string;
  /** Part of the row above it. */
  readonly isPart?: boolean;
}

/** The figures that people compare policies by, in the order of their weight. */
export function figureRows({ cluster }: WhatIfReport): readonly FigureRow[] {
  const { currency, gpus } = cluster;
  return [
    {
      label: 'SLO kept',
      cell: ({ met, interrupted }) => `${met ? 'yes' : 'NO'}${interrupted ? ' (interrupted)' : ''}`,
    },
    { label: 'requests', cell: ({ requests }) => count(requests) },
    { label: 'in time', cell: ({ inTimeShare }) => percent(inTimeShare) },
    { label: 'violations', cell: ({ violations }) => percent(violations.share) },
    { label: 'late', cell: ({ violations }) => count(violations.late), isPart: true },
    { label: 'rejected', cell: ({ violations }) => count(violations.rejected), isPart: true },
    { label: 'failed', cell: ({ violations }) => count(violations.failed), isPart: true },
    {
      label: 'found no instance ready',
      cell: ({ coldStarts }) => `${count(coldStarts.requests)} (${percent(coldStarts.share)})`,
    },
    { label: 'instances started', cell: ({ instanceStarts }) => count(instanceStarts) },
    { label: 'cores, mean / peak', cell: meanAndPeak('cores') },
    ...(gpus === 0 ? [] : [{ label: 'GPU %, mean / peak', cell: meanAndPeak('gpuPercent') }]),
    { label: 'GFLOPS held, mean / peak', cell: meanAndPeak('gflops') },
    { label: 'nodes in use, mean / peak', cell: meanAndPeak('nodes') },
    ...(currency === null ? [] : costRows(currency)),
  ];
}

function costRows(currency: string): FigureRow[] {
  const amount = (value: number | null | undefined): string => (value == null ? '–' : short(value));
  return [
    { label: `cost per hour, ${currency}`, cell: ({ cost }) => amount(cost?.perHour) },
    {
      label: `cost per million requests, ${currency}`,
      cell: ({ cost }) => amount(cost?.perMillionRequests),
    },
  ];
}

function meanAndPeak(holding: keyof PolicyReport['resources']): FigureRow['cell'] {
  return ({ resources }) => `${short(resources[holding].mean)} / ${short(resources[holding].peak)}`;
}
