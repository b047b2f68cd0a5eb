import { packageVersion } from '../../../models/base/package.ts';
import { renderDocument } from '../../../models/base/page/document.ts';
import { escapeHtml, type HtmlCell, tableHtml } from '../../../models/base/page/html.ts';
import { formatBytes, formatCores, formatDuration } from '../../../models/base/units.ts';
import { SLO_PERCENTILES, type Slo, throughputPerCore } from '../../../profiles/best-config.ts';
import { gradeOf, gradeText } from '../../../profiles/conditions/grade.ts';
import { periodText } from '../../../profiles/conditions/period.ts';
import { guessCaveats } from '../../../profiles/conditions/shapes.ts';
import { compareConfigs, formatConfig } from '../../../profiles/config.ts';
import { servingMemoryBytes } from '../../../profiles/lookup.ts';
import { relativeError } from '../../../profiles/statistics.ts';
import type { Cell, ProfileTable } from '../../../profiles/table.ts';
import { caveatsOf, hasIntervals, remarksOn, shapesText } from '../caveats.ts';
import { confidenceOf, short } from '../figures.ts';
import { pageData } from './page-data.ts';

/**
 * A table as one page that needs nothing else: what it was measured on, the best config for every SLO,
 * latency and throughput as charts, and every cell as numbers.
 *
 * @param slo where the slider stands at first; by default amid those that matter
 */
export function renderPage(table: ProfileTable, slo?: Slo): Promise<string> {
  return renderDocument({
    title: `Profile of ${table.model.name}`,
    body: bodyOf(table, slo?.percentile ?? 99),
    data: pageData(table, slo),
    script: 'profiler/report/page/charts.js',
    style: 'profiler/report/page/page.css',
  });
}

function bodyOf(table: ProfileTable, percentile: number): string {
  const remarks = [...guessCaveats(table), ...caveatsOf(table)];
  return `<main>
<h1>Profile of ${escapeHtml(table.model.name)}</h1>
<dl class="conditions">${conditions(table).join('')}</dl>
${remarks.length === 0 ? '' : `<ul class="notes">${remarks.map((remark) => `<li>${escapeHtml(remark)}</li>`).join('')}</ul>`}
<section aria-labelledby="frontier-title">
<h2 id="frontier-title">The best config for an SLO</h2>
<p class="controls"><label for="percentile">SLO at</label> ${percentileSelect(percentile)}
<span class="resource"><label for="resource">counted by</label> <select id="resource"></select></span>
<label for="slo">SLO</label> <input type="range" id="slo" min="0" max="1000" value="500"></p>
<p class="verdict" role="status" id="best"></p>
<div class="charts" id="frontier"></div>
</section>
<section aria-labelledby="latency-title">
<h2 id="latency-title">Latency of a full batch</h2>
<p class="controls"><label for="statistic">Show</label> <select id="statistic"></select>
<span id="held"><label for="share">with a GPU share of</label> <select id="share"></select>
<label for="quota">or a CPU quota of</label> <select id="quota"></select> cores</span></p>
<div class="charts" id="latency"></div>
</section>
<section aria-labelledby="throughput-title">
<h2 id="throughput-title">Throughput by what is held</h2>
<div class="charts" id="throughput"></div>
</section>
<section aria-labelledby="heat-title">
<h2 id="heat-title">Batch by quota</h2>
<p class="controls"><label for="heat-figure">Show</label> <select id="heat-figure"></select></p>
<div id="heat"></div>
</section>
${hasIntervals(table) ? remarksSection(table) : ''}
<section aria-labelledby="cells-title">
<h2 id="cells-title">Every cell</h2>
${cellsTable(table)}
</section>
</main>
<footer><p>infless ${packageVersion}, infless-profile report. What an instance carries within an SLO is worked out as the planner does: requests come at random, wait for their turn, and their JSON is read and written.</p></footer>`;
}

function percentileSelect(chosen: number): string {
  const options = SLO_PERCENTILES.map(
    (each) => `<option value="${each}"${each === chosen ? ' selected' : ''}>p${each}</option>`,
  );
  return `<select id="percentile">${options.join('')}</select>`;
}

function conditions(table: ProfileTable): string[] {
  const { model, host, quota, cells } = table;
  const period = quota.periodMicros === null ? '' : `, ${periodText(table)}`;
  const gpus = host.gpus.map(({ model, memoryBytes }) => `, ${model} (${formatBytes(memoryBytes)})`).join('');
  const facts: readonly (readonly [string, string])[] = [
    ['Model', `${model.format}, ${formatBytes(model.sizeBytes)}, ${model.digest}`],
    ['Rows', shapesText(table)],
    ['Grade', gradeText(gradeOf(table))],
    [
      'Host',
      `${host.cpuModel}, ${host.cpuCores} cores, ${formatBytes(host.memoryBytes)}${gpus}, ${host.platform} ${host.arch}, kernel ${host.kernel}`,
    ],
    ['Engine', `${table.engine}, Node.js ${host.node}`],
    ['CPU quota', `${quota.mechanism}${period}`],
    [
      'Measured',
      `${cells.length} cells, ${hasIntervals(table) ? `each mean to ${confidenceOf(table)}` : 'precision unknown'}, ${table.createdAt} by ${table.tool}`,
    ],
  ];
  return facts.map(([name, text]) => `<div><dt>${name}</dt><dd>${escapeHtml(text)}</dd></div>`);
}

interface Column {
  readonly title: string;
  readonly text: (cell: Cell) => string;
}

function columnsOf(table: ProfileTable): readonly Column[] {
  const gpu: Column[] = [
    { title: 'GPU %', text: ({ gpuPercent }) => String(Number(gpuPercent.toFixed(2))) },
    { title: 'rows/s per GPU %', text: perGpuText },
  ];
  const withGpu = table.cells.some(({ gpuPercent }) => gpuPercent > 0);
  return [
    { title: 'batch', text: ({ batch }) => String(batch) },
    { title: 'cores', text: ({ cpuMillicores }) => formatCores(cpuMillicores) },
    ...(withGpu ? gpu.slice(0, 1) : []),
    { title: 'threads', text: ({ threads }) => String(threads) },
    { title: 'mean ms', text: ({ latencyMs }) => short(latencyMs.mean) },
    {
      title: '± %',
      text: (cell) => (hasIntervals(table) ? short(relativeError(cell.latencyMs) * 100) : '–'),
    },
    { title: 'p50 ms', text: ({ latencyMs }) => short(latencyMs.p50) },
    { title: 'p95 ms', text: ({ latencyMs }) => short(latencyMs.p95) },
    { title: 'p99 ms', text: ({ latencyMs }) => short(latencyMs.p99) },
    { title: 'rows/s', text: ({ throughputPerSecond }) => short(throughputPerSecond) },
    { title: 'rows/s per core', text: (cell) => short(throughputPerCore(cell)) },
    ...(withGpu ? gpu.slice(1) : []),
    { title: 'CPU ms a row', text: ({ cpuMs, batch }) => short(cpuMs / batch) },
    { title: 'throttled', text: throttledText },
    { title: 'memory', text: (cell) => formatBytes(servingMemoryBytes(cell)) },
    ...(table.cells.some(({ gpu }) => gpu !== undefined) ? GPU_USE : []),
    { title: 'first answer', text: ({ firstAnswerMs }) => formatDuration(firstAnswerMs) },
    { title: 'samples', text: ({ samples }) => String(samples) },
  ];
}

const GPU_USE: readonly Column[] = [
  { title: 'GPU memory', text: ({ gpu }) => (gpu === undefined ? '–' : formatBytes(gpu.memoryBytes)) },
  { title: 'GPU W', text: ({ gpu }) => known(gpu?.powerWatts) },
  { title: 'GPU busy, %', text: ({ gpu }) => known(gpu?.utilizationPercent) },
];

function known(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : short(value);
}

function cellsTable(table: ProfileTable): string {
  const columns = columnsOf(table);
  const rows = table.cells.toSorted(compareConfigs).map((cell) => columns.map(({ text }) => text(cell)));
  return tableHtml({ head: columns.map(({ title }) => title), rows });
}

function remarksSection(table: ProfileTable): string {
  const rows = table.cells.toSorted(compareConfigs).flatMap((cell): HtmlCell[][] => {
    const remarks = remarksOn(cell, table);
    return remarks.length === 0 ? [] : [[formatConfig(cell), { text: remarks.join('; '), tone: 'bad' }]];
  });
  const verdicts =
    rows.length === 0
      ? '<p>Nothing: every cell is as precise as asked, and none contradicts another.</p>'
      : `<div class="remarks">${tableHtml({ head: ['config', 'verdict'], rows })}</div>`;
  return `<section aria-labelledby="remarks-title">
<h2 id="remarks-title">What to mistrust</h2>
${verdicts}
</section>`;
}

/** The share of quota periods in which the quota was used up. */
function throttledText({ throttling }: Cell): string {
  if (throttling === null || throttling.periods === 0) return '–';
  return `${Math.round((100 * throttling.throttledPeriods) / throttling.periods)} %`;
}

function perGpuText({ gpuPercent, throughputPerSecond }: Cell): string {
  return gpuPercent > 0 ? short(throughputPerSecond / gpuPercent) : '–';
}
