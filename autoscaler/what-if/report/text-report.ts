import Table from 'cli-table3';
import { formatBytes, formatDuration } from '../../../models/base/units.ts';
import type { ArrivalProcess } from '../../../profiler/load/arrivals/arrivals.ts';
import { formatConfig } from '../../../profiles/config.ts';
import { count, percent, plural, short } from './figures.ts';
import { figureRows } from './figures-table.ts';
import type { FunctionFacts, NodeGroup, SloCostPoint, WhatIfReport } from './report.ts';
import { courseText } from './series-text.ts';

/**
 * The report as people read it in a terminal: circumstances, verdict, policies side by side, functions,
 * courses.
 */
export function renderText(report: WhatIfReport): string {
  const infeasible = report.functions.filter(({ feasible }) => !feasible);
  const parts =
    infeasible.length > 0
      ? infeasible.map((facts) => infeasibleText(facts, report.cluster.currency))
      : [policiesText(report), functionsText(report), courseText(report), sloCostText(report)];
  return `${[circumstances(report), verdictText(report), ...parts].filter((part) => part !== '').join('\n\n')}\n`;
}

export function verdictText({ verdict, functions, policies, interrupted }: WhatIfReport): string {
  if (functions.some(({ feasible }) => !feasible)) return 'SLO INFEASIBLE: nothing was simulated';
  const decided = policies[verdict.policy];
  if (decided === undefined) return 'INTERRUPTED: nothing was simulated';
  const shortened = decided.interrupted ? ` in the first ${formatDuration(decided.measuredMs)}` : '';
  const rest = interrupted ? ' (interrupted)' : '';
  if (verdict.met) return `SLO KEPT by policy ${verdict.policy}${shortened}${rest}`;
  const missed = decided.functions.filter(({ met }) => !met);
  const details = missed.map(({ name, inTimeShare }) => {
    const { percentile, sloMs } = functions.find((each) => each.name === name)!;
    return `${name} answers ${percent(inTimeShare)} within ${formatDuration(sloMs)} instead of ${percentile} %`;
  });
  return `SLO MISSED by policy ${verdict.policy}${shortened}${rest}: ${details.join('; ')}`;
}

export function nodeGroupText(group: NodeGroup): string {
  const { gpuPercents, gpuMemoryBytes } = group;
  const gpuMemory = gpuMemoryBytes[0] ?? null;
  const gpus =
    gpuPercents.length === 0
      ? ''
      : `, ${plural(gpuPercents.length, 'GPU')}${gpuMemory === null ? '' : ` of ${formatBytes(gpuMemory)}`}`;
  const memory = group.memoryBytes === null ? '' : `, ${formatBytes(group.memoryBytes)}`;
  return `${group.count} × (${plural(group.cores, 'core')}${memory}${gpus})`;
}

export function processText(process: ArrivalProcess): string {
  return process.type === 'gamma' ? `gamma arrivals with CV ${process.cv}` : `${process.type} arrivals`;
}

function circumstances({ cluster, load, functions, notes }: WhatIfReport): string {
  const expected = functions.reduce((sum, { expectedRequests }) => sum + expectedRequests, 0);
  const lines = [
    `cluster  ${cluster.groups.map(nodeGroupText).join(' + ')}`,
    `load     ${formatDuration(load.durationMs)}, about ${plural(expected, 'request')}, ${processText(load.process)}, seed ${load.seed}`,
    ...notes.map((note) => `note     ${note}`),
  ];
  return lines.join('\n');
}

function policiesText(report: WhatIfReport): string {
  const policies = Object.entries(report.policies);
  if (policies.length === 0) return '';
  const table = plainTable(['', ...policies.map(([name]) => name)]);
  for (const { label, cell, isPart } of figureRows(report)) {
    table.push([isPart ? `  ${label}` : label, ...policies.map(([, policy]) => cell(policy))]);
  }
  return table.toString();
}

function functionsText(report: WhatIfReport): string {
  const table = plainTable(['function', 'SLO', 'policy', 'in time', 'p50', 'p99', 'cold', 'SLO kept']);
  for (const { name, sloMs, percentile } of report.functions) {
    for (const [policy, { functions }] of Object.entries(report.policies)) {
      const result = functions.find((each) => each.name === name)!;
      table.push([
        name,
        `${formatDuration(sloMs)} at p${percentile}`,
        policy,
        percent(result.inTimeShare),
        latencyText(result.p50Ms),
        latencyText(result.p99Ms),
        count(result.coldStarts),
        result.met ? 'yes' : 'NO',
      ]);
    }
  }
  return table.length === 0 ? '' : table.toString();
}

/** For each function what it costs now, and at some tighter and looser SLOs. */
function sloCostText({ functions, cluster }: WhatIfReport): string {
  const lines = functions.map((facts) => `${facts.name}\n${sloCostTable(facts, cluster.currency, 6)}`);
  return `What the SLO costs, at the peak rate, by the table\n${lines.join('\n')}`;
}

function infeasibleText(facts: FunctionFacts, currency: string | null): string {
  const { name, sloMs, percentile, nearestSloMs } = facts;
  const what = `No config of function "${name}" answers within ${formatDuration(sloMs)} at p${percentile}.`;
  if (nearestSloMs === null) return `${what} Its table has no config within its limits.`;
  const nearest = `${what} The nearest feasible SLO is ${nearestSloMs}ms. What an SLO costs, at the peak rate of ${short(facts.peakPerSecond)}/s:`;
  return `${nearest}\n${sloCostTable(facts, currency, 12)}`;
}

function sloCostTable(
  { costOfSlo, sloMs }: FunctionFacts,
  currency: string | null,
  mostRows: number,
): string {
  const table = plainTable([
    'SLO',
    'cheapest',
    'GFLOPS per request/s',
    ...(currency === null ? [] : [`${currency} per million requests`]),
  ]);
  for (const point of spread(costOfSlo, sloMs, mostRows)) {
    table.push([
      `${formatDuration(point.sloMs)}${point.sloMs === sloMs ? ' ←' : ''}`,
      `${point.instances} × ${formatConfig(point.config)}`,
      short(point.gflopsPerRate),
      ...(point.costPerMillionRequests === null ? [] : [short(point.costPerMillionRequests)]),
    ]);
  }
  return table.toString();
}

/** Some points of a curve, its ends and the function's own SLO among them. */
function spread(points: readonly SloCostPoint[], sloMs: number, mostRows: number): SloCostPoint[] {
  const step = Math.max(1, (points.length - 1) / (mostRows - 1));
  const chosen = new Set(Array.from({ length: mostRows }, (_, index) => Math.round(index * step)));
  return points.filter((point, index) => chosen.has(index) || point.sloMs === sloMs);
}

export function latencyText(ms: number | null): string {
  return ms === null ? '–' : formatDuration(ms);
}

/** Rows without rules between them. */
export function plainTable(head: string[]): Table.Table {
  return new Table({
    head,
    style: { head: [], border: [] },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
}
