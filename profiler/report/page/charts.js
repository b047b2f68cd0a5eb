// Draws the charts of a profile table in the browser, with the chart kit.

const { axis, chartElement, color, draw, logarithmic, markX, redraw, roomy, seriesColor, short, valueAxis } =
  chartKit;
const { cells, frontiers, hasIntervals, resources, slo: givenSlo } = chartKit.data;

const distinct = (values) => [...new Set(values)].sort((a, b) => a - b);
const batches = distinct(cells.map(({ batch }) => batch));
const quotas = distinct(cells.map(({ cores }) => cores));
const gpuShares = distinct(cells.map(({ gpuPercent }) => gpuPercent));

const withGpu = gpuShares.at(-1) > 0;

const element = (id) => document.getElementById(id);

function fill(select, titles) {
  select.replaceChildren(...titles.map((title) => new Option(title)));
}

/** ------ Curves over a quota, a line a batch ------ */

const STATISTICS = [
  { title: hasIntervals ? 'mean with its interval' : 'mean', key: 'mean', interval: hasIntervals },
  { title: 'p50', key: 'p50' },
  { title: 'p95', key: 'p95' },
  { title: 'p99', key: 'p99' },
];

/** What the curves run along: the CPU quota under one GPU share, or the GPU share under one CPU quota. */
function axes() {
  const share = gpuShares[element('share').selectedIndex];
  const quota = quotas[element('quota').selectedIndex];
  const gpuCells = cells.filter(({ gpuPercent, cores }) => gpuPercent > 0 && cores === quota);
  return [
    {
      label: 'CPU quota, cores',
      of: ({ cores }) => cores,
      cells: cells.filter(({ gpuPercent }) => gpuPercent === share),
    },
    ...(withGpu
      ? [{ label: 'share of the GPU, %', of: ({ gpuPercent }) => gpuPercent, cells: gpuCells }]
      : []),
  ];
}

/** The cells of each batch by position on the axis; what was not measured is undefined. */
function seriesAlong(along) {
  const positions = distinct(along.cells.map(along.of));
  const lines = batches.map((batch) =>
    positions.map((position) =>
      along.cells.find((cell) => cell.batch === batch && along.of(cell) === position),
    ),
  );
  return { positions, lines };
}

function drawCurves(target, along, { label, title, figureOf, intervalOf }) {
  const { positions, lines } = seriesAlong(along);
  const measured = {
    splits: () => positions,
    filter: (_, splits) => splits,
    values: (_, splits) => splits.map(short),
  };
  draw(
    target,
    () => ({
      height: 300,
      scales: { x: { time: false, distr: 3, range: roomy }, y: { distr: 3, range: roomy } },
      axes: [axis(along.label, measured), axis(label, { size: 62, ...logarithmic })],
      series: [
        { label: along.label, value: (_, value) => short(value) },
        ...batches.map((batch, index) => ({
          label: `b${batch}`,
          stroke: seriesColor(index),
          width: 2,
          spanGaps: true,
          points: { show: true, size: 6 },
          value: (_, __, ___, at) => (at === null ? '–' : title(lines[index][at])),
        })),
      ],
      hooks: intervalOf === undefined ? {} : { draw: [(plot) => markIntervals(plot, lines, intervalOf)] },
    }),
    [positions, ...lines.map((line) => line.map((cell) => (cell === undefined ? null : figureOf(cell))))],
  );
}

/** Whiskers from the low end of each interval to the high one. */
function markIntervals(plot, lines, intervalOf) {
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.lineWidth = 1.5 * devicePixelRatio;
  const cap = 4 * devicePixelRatio;
  lines.forEach((line, index) => {
    if (!plot.series[index + 1].show) return;
    ctx.strokeStyle = seriesColor(index);
    line.forEach((cell, at) => {
      if (cell === undefined) return;
      const x = plot.valToPos(plot.data[0][at], 'x', true);
      const [low, high] = intervalOf(cell).map((value) => plot.valToPos(value, 'y', true));
      ctx.beginPath();
      ctx.moveTo(x, low);
      ctx.lineTo(x, high);
      for (const y of [low, high]) {
        ctx.moveTo(x - cap, y);
        ctx.lineTo(x + cap, y);
      }
      ctx.stroke();
    });
  });
  ctx.restore();
}

function drawLatencies(targets) {
  const { key, interval } = STATISTICS[element('statistic').selectedIndex];
  axes().forEach((along, index) => {
    drawCurves(targets[index], along, {
      label: 'ms',
      figureOf: ({ latencyMs }) => latencyMs[key],
      title: (cell) => (cell === undefined ? '–' : latencyText(cell, key, interval)),
      ...(interval ? { intervalOf: ({ latencyMs }) => [latencyMs.low, latencyMs.high] } : {}),
    });
  });
}

function latencyText({ latencyMs, relativeError }, key, interval) {
  const error = interval ? ` ±${short(relativeError * 100)} %` : '';
  return `${short(latencyMs[key])} ms${error}`;
}

function drawThroughputs(targets) {
  axes().forEach((along, index) => {
    resources.forEach(({ key, unit }, nth) => {
      drawCurves(targets[index][nth], along, {
        label: unit,
        figureOf: ({ rowsPer }) => rowsPer[key],
        title: (cell) => short(cell?.rowsPer[key]),
      });
    });
  });
}

function drawAlongQuotas() {
  fill(
    element('statistic'),
    STATISTICS.map(({ title }) => title),
  );
  fill(
    element('share'),
    gpuShares.map((share) => `${share} %`),
  );
  fill(element('quota'), quotas.map(String));
  element('share').selectedIndex = gpuShares.length - 1;
  element('quota').selectedIndex = quotas.length - 1;
  element('held').hidden = !withGpu;
  const latencies = axes().map(({ label }) =>
    chartElement('latency', 'Latency', `by ${label}; both axes logarithmic`),
  );
  const throughputs = axes().map(({ label }) =>
    resources.map(({ unit }) => chartElement('throughput', unit, `by ${label}; both axes logarithmic`)),
  );
  const show = () => {
    drawLatencies(latencies);
    drawThroughputs(throughputs);
  };
  for (const id of ['statistic', 'share', 'quota']) element(id).addEventListener('change', show);
  show();
}

/** ------ The efficient frontier, and the slider that walks along it ------ */

const SLIDER_STEPS = 1000;

const frontier = {
  target: undefined,
  points: [],
  range: [1, 1],
  sloMs: 1,
};

function chosenResource() {
  return resources[element('resource').selectedIndex];
}

function bestAt(sloMs) {
  return frontier.points.findLast((point) => point.sloMs <= sloMs);
}

/** The slider is logarithmic: a step is the same share of the SLO everywhere. */
function sloAt(position) {
  const [low, high] = frontier.range;
  return low * (high / low) ** (position / SLIDER_STEPS);
}

function positionOf(sloMs) {
  const [low, high] = frontier.range;
  return Math.round((SLIDER_STEPS * Math.log(sloMs / low)) / Math.log(high / low));
}

function chooseFrontier() {
  const percentile = Number(element('percentile').value);
  const { key } = chosenResource();
  frontier.points = frontiers.find((each) => each.percentile === percentile && each.resource === key).points;
  const [first, last] = [frontier.points[0].sloMs, frontier.points.at(-1).sloMs];
  frontier.range = [first * 0.7, last * 1.4];
}

function moveTo(sloMs) {
  const [low, high] = frontier.range;
  frontier.sloMs = Math.min(Math.max(sloMs, low), high);
  const slider = element('slo');
  slider.value = String(positionOf(frontier.sloMs));
  slider.setAttribute('aria-valuetext', `${short(frontier.sloMs)} ms`);
  tellBest();
}

function tellBest() {
  const percentile = element('percentile').value;
  const { carriedUnit } = chosenResource();
  const point = bestAt(frontier.sloMs);
  const asked = `p${percentile} ≤ ${short(frontier.sloMs)} ms`;
  const best = element('best');
  best.className = `verdict ${point === undefined ? 'bad' : 'good'}`;
  if (point === undefined) {
    best.textContent = `${asked}: no config keeps it. The tightest SLO that one keeps is ${short(frontier.points[0].sloMs)} ms.`;
    return;
  }
  const cell = cells[point.cell];
  best.textContent = [
    `${asked}: ${cell.config}`,
    `${short(point.value)} ${carriedUnit}`,
    `an instance carries ${short(point.carried)} requests/s`,
    `batch p${percentile} ${short(cell.latencyMs[`p${percentile}`])} ms`,
    ...(cell.cpuMsPerRow > 0 ? [`${short(cell.cpuMsPerRow)} ms CPU a row`] : []),
    ...(cell.memoryBytes > 0 ? [`${short(cell.memoryBytes / 1e6)} MB`] : []),
  ].join(' · ');
}

/** Where another config begins to be the best. */
function changesOfConfig(points) {
  return points.flatMap(({ cell }, index) => (cell === points[index - 1]?.cell ? [] : [index]));
}

/** Steps that hold from each point to the next, and from the last to the end of the axis. */
function drawFrontierChart() {
  const { points, target, range } = frontier;
  const { carriedUnit: unit } = chosenResource();
  const shown = [...points, points.at(-1)];
  draw(
    target,
    () => ({
      height: 260,
      scales: {
        x: { time: false, distr: 3, range: () => frontier.range },
        y: { range: (_, __, high) => [0, high * 1.1] },
      },
      axes: [axis('SLO, ms', logarithmic), valueAxis(unit)],
      series: [
        { label: 'SLO, ms', value: (_, value) => short(value) },
        {
          label: unit,
          stroke: seriesColor(0),
          width: 2,
          paths: chartKit.steps,
          points: { show: true, size: 7, filter: () => changesOfConfig(points) },
          value: (_, value, __, at) =>
            at === null ? '–' : `${short(value)} with ${cells[shown[at].cell].config}`,
        },
      ],
      hooks: { draw: [(plot) => markX(plot, frontier.sloMs, color('series-2'))] },
    }),
    [[...points.map(({ sloMs }) => sloMs), range[1]], shown.map(({ value }) => value)],
  );
}

function drawFrontier() {
  fill(
    element('resource'),
    resources.map(({ carriedUnit }) => carriedUnit),
  );
  element('resource').parentElement.hidden = resources.length === 1;
  chooseFrontier();
  frontier.target = chartElement('frontier', 'Efficient frontier', 'what the best config gives, by SLO');
  const middle = frontier.points[Math.floor(frontier.points.length / 2)];
  moveTo(givenSlo?.sloMs ?? middle.sloMs * 1.05);
  drawFrontierChart();
  element('slo').addEventListener('input', ({ target }) => {
    moveTo(sloAt(Number(target.value)));
    redraw(frontier.target);
  });
  for (const id of ['percentile', 'resource']) {
    element(id).addEventListener('change', () => {
      chooseFrontier();
      moveTo(frontier.sloMs);
      drawFrontierChart();
    });
  }
}

/** ------ Batch by quota, in numbers and colour ------ */

const FIGURES = [
  { title: 'p99, ms', of: ({ latencyMs }) => latencyMs.p99 },
  { title: 'mean, ms', of: ({ latencyMs }) => latencyMs.mean },
  { title: 'rows/s', of: ({ rowsPerSecond }) => rowsPerSecond },
  ...resources.map(({ key, unit }) => ({ title: unit, of: ({ rowsPer }) => rowsPer[key] })),
  { title: 'CPU ms a row', of: ({ cpuMsPerRow }) => cpuMsPerRow },
  { title: 'memory, MB', of: ({ memoryBytes }) => memoryBytes / 1e6 },
  ...(hasIntervals
    ? [{ title: 'error of the mean, %', of: ({ relativeError }) => relativeError * 100 }]
    : []),
];

function drawHeat() {
  fill(
    element('heat-figure'),
    FIGURES.map(({ title }) => title),
  );
  const show = () => {
    const figure = FIGURES[element('heat-figure').selectedIndex];
    element('heat').replaceChildren(...gpuShares.map((share) => heatTable(figure, share)));
  };
  element('heat-figure').addEventListener('change', show);
  show();
}

function heatTable(figure, share) {
  const own = cells.filter(({ gpuPercent }) => gpuPercent === share);
  const values = own.map(figure.of).filter((value) => value !== null && value > 0);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const heat = (value) => (high > low ? Math.log(value / low) / Math.log(high / low) : 0);
  const table = document.createElement('table');
  table.className = 'heat';
  table.createCaption().textContent = `${figure.title}${share > 0 ? `, ${share} % of the GPU` : ''}`;
  const head = table.createTHead().insertRow();
  head.append(...['cores', ...batches.map((batch) => `b${batch}`)].map((text) => header('col', text)));
  const body = table.createTBody();
  for (const cores of quotas) {
    const row = body.insertRow();
    row.append(header('row', short(cores)));
    for (const batch of batches) {
      const cell = own.find((each) => each.batch === batch && each.cores === cores);
      const value = cell === undefined ? null : figure.of(cell);
      const field = row.insertCell();
      field.textContent = short(value);
      if (value > 0) field.style.setProperty('--heat', `${Math.round(100 * heat(value))}%`);
    }
  }
  const scroll = document.createElement('div');
  scroll.className = 'scroll';
  scroll.append(table);
  return scroll;
}

function header(scope, text) {
  const cell = document.createElement('th');
  cell.scope = scope;
  cell.textContent = text;
  return cell;
}

drawFrontier();
drawAlongQuotas();
drawHeat();
