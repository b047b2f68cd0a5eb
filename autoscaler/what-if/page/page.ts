import { packageVersion } from '../../../models/base/package.ts';
import { renderDocument } from '../../../models/base/page/document.ts';
import { escapeHtml, type HtmlCell, tableHtml } from '../../../models/base/page/html.ts';
import { formatDuration } from '../../../models/base/units.ts';
import { count, percent, plural } from '../report/figures.ts';
import { figureRows } from '../report/figures-table.ts';
import type { WhatIfReport } from '../report/report.ts';
import { latencyText, nodeGroupText, processText, verdictText } from '../report/text-report.ts';

/** The report as one page that needs nothing else: tables as HTML, charts drawn from the report within it. */
export function renderPage(report: WhatIfReport): Promise<string> {
  return renderDocument({
    title: titleOf(report),
    body: bodyOf(report),
    data: report,
    script: 'autoscaler/what-if/page/charts.js',
  });
}

function titleOf({ functions, cluster }: WhatIfReport): string {
  return `What if: ${plural(functions.length, 'function')} on ${plural(cluster.nodes, 'node')}`;
}

function bodyOf(report: WhatIfReport): string {
  const { cluster, load, functions, notes, verdict } = report;
  const expected = functions.reduce((sum, { expectedRequests }) => sum + expectedRequests, 0);
  const facts = [
    cluster.groups.map(nodeGroupText).join(' + '),
    `${formatDuration(load.durationMs)} of load`,
    `about ${plural(expected, 'request')}`,
    processText(load.process),
    `seed ${load.seed}`,
  ];
  return [
    `<h1>${escapeHtml(titleOf(report))}</h1>`,
    `<p class="facts">${escapeHtml(facts.join(' · '))}</p>`,
    `<p class="verdict ${verdict.met ? 'good' : 'bad'}">${escapeHtml(verdictText(report))}</p>`,
    notes.length === 0
      ? ''
      : `<ul class="notes">${notes.map((note) => `<li>${escapeHtml(note)}</li>`).join('')}</ul>`,
    ...(Object.keys(report.policies).length === 0 ? infeasibleSection(report) : policySections(report)),
    '<h2>What the SLO costs, by the profile tables</h2>',
    '<div class="charts" id="slo-cost"></div>',
    `<footer><p>infless ${packageVersion}, infless-autoscaler plan. Means are over time; a peak is the highest that was held at any moment.</p></footer>`,
  ].join('\n');
}

function policySections(report: WhatIfReport): string[] {
  const policies = Object.entries(report.policies);
  const options = policies.map(([name]) => `<option>${escapeHtml(name)}</option>`).join('');
  const rows = figureRows(report).map(({ label, cell, isPart }): HtmlCell[] => [
    isPart ? `— ${label}` : label,
    ...policies.map(([, policy]) =>
      label === 'SLO kept' ? { text: cell(policy), tone: toneOf(policy.met) } : cell(policy),
    ),
  ]);
  return [
    '<h2>Policies</h2>',
    tableHtml({ head: ['', ...policies.map(([name]) => name)], rows }),
    `<ul class="notes">${policies.map(([name, { description }]) => `<li>${escapeHtml(`${name}: ${description}`)}</li>`).join('')}</ul>`,
    '<h2>Functions</h2>',
    functionsTable(report),
    '<h2>Over time</h2>',
    '<div class="charts" id="load"></div>',
    '<div class="charts" id="compared"></div>',
    `<h2><label for="policy">Instances over time, policy</label> <select id="policy">${options}</select></h2>`,
    '<div class="charts" id="configs"></div>',
  ];
}

function functionsTable({ functions, policies }: WhatIfReport): string {
  const head = [
    'function',
    'SLO',
    'policy',
    'requests',
    'in time',
    'p50',
    'p99',
    'no instance ready',
    'SLO kept',
  ];
  const rows = functions.flatMap(({ name, sloMs, percentile }) =>
    Object.entries(policies).map(([policy, report]): HtmlCell[] => {
      const result = report.functions.find((each) => each.name === name)!;
      return [
        name,
        `${formatDuration(sloMs)} at p${percentile}`,
        policy,
        count(result.requests),
        percent(result.inTimeShare),
        latencyText(result.p50Ms),
        latencyText(result.p99Ms),
        count(result.coldStarts),
        { text: result.met ? 'yes' : 'NO', tone: toneOf(result.met) },
      ];
    }),
  );
  return tableHtml({ head, rows });
}

function infeasibleSection({ functions }: WhatIfReport): string[] {
  const rows = functions.map(({ name, sloMs, percentile, feasible, nearestSloMs }): HtmlCell[] => [
    name,
    `${formatDuration(sloMs)} at p${percentile}`,
    { text: feasible ? 'yes' : 'NO', tone: toneOf(feasible) },
    nearestSloMs === null ? '–' : `${nearestSloMs} ms`,
  ]);
  return [
    '<h2>Functions</h2>',
    tableHtml({ head: ['function', 'SLO', 'feasible', 'tightest feasible'], rows }),
  ];
}

function toneOf(isGood: boolean): 'good' | 'bad' {
  return isGood ? 'good' : 'bad';
}
