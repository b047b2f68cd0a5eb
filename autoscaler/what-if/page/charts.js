// Draws the report's charts in the browser, with the chart kit.

const { axis, chartElement, color, draw, logarithmic, markX, roomy, seriesColor, short, steps, valueAxis } =
  chartKit;
const report = chartKit.data;
const policies = Object.entries(report.policies);

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

const timeUnit =
  report.load.durationMs <= 5 * MINUTE_MS
    ? { name: 's', ms: SECOND_MS }
    : report.load.durationMs <= 5 * HOUR_MS
      ? { name: 'min', ms: MINUTE_MS }
      : { name: 'h', ms: HOUR_MS };

/** Values of equal stretches of time as steps: each holds until the next, and the last to the end of what was measured. */
function stepTimes(course, measuredMs) {
  const bins = course.resources.cores.length;
  const starts = Array.from({ length: bins }, (_, bin) => bin * course.binMs);
  return [...starts, measuredMs].map((atMs) => atMs / timeUnit.ms);
}

function held(values) {
  return [...values, values.at(-1) ?? null];
}

function timeOptions(label, lines) {
  return {
    scales: { x: { time: false }, y: { range: (_, __, high) => [0, (high || 1) * 1.05] } },
    axes: [axis(`time since the start of the load, ${timeUnit.name}`), valueAxis(label)],
    series: [{ label: `time, ${timeUnit.name}`, value: (_, value) => short(value) }, ...lines],
  };
}

/** One line a policy; runs that were interrupted end earlier. */
function comparePolicies(title, label, unit, valuesOf) {
  if (policies.length === 0) return;
  const element = chartElement('compared', title, unit);
  const joined = uPlot.join(
    policies.map(([, { course, measuredMs }]) => [stepTimes(course, measuredMs), held(valuesOf(course))]),
  );
  draw(
    element,
    () =>
      timeOptions(
        label,
        policies.map(([name], index) => ({
          label: name,
          stroke: seriesColor(index),
          width: 2,
          paths: steps,
          points: { show: false },
          value: (_, value) => short(value),
        })),
      ),
    joined,
  );
}

function violationPercents(course) {
  const functions = course.functions.map(({ counts }) => counts);
  return course.resources.cores.map((_, bin) => {
    const sum = (of) => functions.reduce((total, counts) => total + of(counts), 0);
    const arrivals = sum((counts) => counts.arrivals[bin]);
    const inTime = sum((counts) => counts.inTime[bin]);
    return arrivals === 0 ? null : Math.max(0, 100 * (1 - inTime / arrivals));
  });
}

function drawLoad() {
  const first = policies[0];
  if (first === undefined) return;
  const [, { course, measuredMs }] = first;
  const element = chartElement('load', 'Requests', 'per second, by function');
  const times = stepTimes(course, measuredMs);
  const seconds = times.slice(1).map((end, bin) => ((end - times[bin]) * timeUnit.ms) / SECOND_MS);
  const rates = course.functions.map(({ counts }) =>
    held(counts.arrivals.map((count, bin) => count / seconds[bin])),
  );
  draw(
    element,
    () =>
      timeOptions(
        'requests per second',
        course.functions.map(({ name }, index) => ({
          label: name,
          stroke: seriesColor(index),
          width: 2,
          paths: steps,
          points: { show: false },
          value: (_, value) => short(value),
        })),
      ),
    [times, ...rates],
  );
}

/** Stacked: each area reaches from zero to the sum of its own and all below, the highest drawn first. */
function drawConfigs([, { course, measuredMs }]) {
  document.getElementById('configs').replaceChildren();
  for (const { name, configs } of course.functions) {
    const element = chartElement(
      'configs',
      name,
      'instances by config (b = largest batch, c = cores, g = GPU %)',
    );
    const own = configs.map(({ instances }) => held(instances));
    const stacked = own.map((_, from) =>
      own[0].map((__, bin) => own.slice(from).reduce((sum, values) => sum + values[bin], 0)),
    );
    draw(
      element,
      () =>
        timeOptions(
          'instances',
          configs.map(({ text }, index) => ({
            label: text,
            stroke: seriesColor(index),
            fill: seriesColor(index),
            width: 1,
            paths: steps,
            points: { show: false },
            value: (_, __, series, at) => short(at === null ? null : own[series - 1][at]),
          })),
        ),
      [stepTimes(course, measuredMs), ...stacked],
    );
  }
}

function drawSloCost({ name, sloMs, percentile, peakPerSecond, costOfSlo, feasible }) {
  const { currency } = report.cluster;
  const unit = 'GFLOPS per request/s';
  const element = chartElement(
    'slo-cost',
    name,
    `${unit}, at the peak of ${short(peakPerSecond)} requests/s`,
  );
  const values = costOfSlo.map((point) => point.gflopsPerRate);
  const said = (label, text) => ({
    label,
    stroke: 'transparent',
    points: { show: false },
    value: (_, __, ___, at) => (at === null ? '–' : text(costOfSlo[at])),
  });
  const money =
    currency === null
      ? []
      : [said(`${currency} per million requests`, (point) => short(point.costPerMillionRequests))];
  draw(
    element,
    () => ({
      scales: { x: { time: false, distr: 3, range: roomy }, y: { distr: 3, range: roomy } },
      axes: [
        axis(`SLO at p${percentile}, ms${feasible ? " (the dashed line is the function's own)" : ''}`, {
          ...logarithmic,
        }),
        axis(unit, { size: 62, ...logarithmic }),
      ],
      series: [
        { label: 'SLO, ms', value: (_, value) => short(value) },
        {
          label: unit,
          stroke: seriesColor(0),
          width: 2,
          points: { show: true, size: 5 },
          value: (_, value) => short(value),
        },
        said('cheapest', setText),
        ...money,
      ],
      hooks: feasible ? { draw: [(plot) => markX(plot, sloMs, color('series-2'))] } : {},
    }),
    [costOfSlo.map((point) => point.sloMs), values, values, ...money.map(() => values)],
  );
}

function setText({ instances, config }) {
  const gpu = config.gpuPercent > 0 ? ` g${config.gpuPercent}` : '';
  return `${instances} × b${config.batch} c${config.cpuMillicores / 1000}${gpu}`;
}

drawLoad();
comparePolicies(
  'Resources held',
  'GFLOPS',
  'GFLOPS: 64 a core, 142 a GPU percent',
  (course) => course.resources.gflops,
);
comparePolicies('SLO violations', '% of requests', '% of the requests that arrived then', violationPercents);
comparePolicies('CPU held', 'cores', 'cores', (course) => course.resources.cores);
if (report.cluster.gpus > 0) {
  comparePolicies(
    'GPU held',
    '% of one GPU',
    '% of one GPU’s SMs, summed',
    (course) => course.resources.gpuPercent,
  );
}
comparePolicies(
  'Nodes in use',
  'nodes',
  'nodes with an instance or more',
  (course) => course.resources.nodes,
);

const choice = document.getElementById('policy');
if (choice !== null) {
  const show = () => drawConfigs(policies[choice.selectedIndex]);
  choice.addEventListener('change', show);
  show();
}
for (const facts of report.functions) if (facts.costOfSlo.length > 0) drawSloCost(facts);
