import { sparkline } from './charts.js';
import { cores, fact, figure, h, ms, NONE, percent, perSecond, plural } from './dom.js';

const OF_LATEST = 'of the requests of the last five minutes, 1,024 at most';

const COLUMNS = [
  ['Function', 'What is deployed, and what each is called by'],
  ['Rate', 'Requests per second that come now'],
  ['p50', `Half of the requests were answered within this time, ${OF_LATEST}`],
  [
    'p99 / SLO',
    `99 % of the requests were answered within this time, ${OF_LATEST}; beside it what was promised`,
  ],
  ['10 minutes', 'p99 over the last ten minutes; the dashed line is the SLO'],
  ['In time', `Share of requests within the SLO, ${OF_LATEST}`],
  ['Queue', 'Requests that wait now, and those that run'],
  ['Instances', 'By config: b is the largest batch, c the cores, g the percent of a GPU'],
  ['Cores', 'What its instances hold together'],
];

/** All functions. */
export function overviewView() {
  return { title: 'Functions', events: '', draw };
}

function draw({ functions, broken, cluster }) {
  return [
    h('h1', {}, 'Functions'),
    totals(functions, cluster),
    table(functions),
    troubles(functions, broken),
  ];
}

function totals(functions, cluster) {
  const held = functions.reduce((sum, { now }) => sum + (now?.cpuMillicores ?? 0), 0);
  const rate = functions.reduce((sum, { now }) => sum + (now?.ratePerSecond ?? 0), 0);
  const late = functions.filter(isLate).length;
  const gpus = cluster.gpus === 0 ? '' : `, ${plural(cluster.gpus, 'GPU')}`;
  return h(
    'dl',
    { class: 'facts-row' },
    fact('Functions', String(functions.length), 'Functions that are deployed'),
    fact('Requests', perSecond(rate), 'Requests per second to all functions now'),
    fact(
      'Behind their SLO',
      String(late),
      `Functions whose percentile is above their SLO, ${OF_LATEST} of each`,
      late > 0 ? 'bad' : undefined,
    ),
    fact(
      'Cores held',
      `${cores(held)} of ${cores(cluster.cpuMillicores)}`,
      'CPU quotas of all instances, and what the nodes offer',
    ),
    fact('Cluster', `${plural(cluster.nodes, 'node')}${gpus}`, 'Where instances may run'),
  );
}

function table(functions) {
  if (functions.length === 0) {
    return h(
      'div',
      { class: 'notice' },
      h('p', {}, 'No function is deployed yet.'),
      h(
        'p',
        {},
        h('a', { href: '#/deploy' }, 'Deploy one'),
        ', or run ',
        h('code', {}, 'infless serve model.onnx'),
        '.',
      ),
    );
  }
  return h(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Table of functions' },
    h(
      'table',
      { class: 'functions' },
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          COLUMNS.map(([name, tip]) =>
            h('th', { scope: 'col', title: tip, 'data-tip': tip, tabindex: '0' }, name),
          ),
        ),
      ),
      h('tbody', {}, functions.map(row)),
    ),
  );
}

function row(each) {
  const { name, sloMs, now, p99Ms, instances, maxInstances, percentile } = each;
  const cells = [
    figure(perSecond(now?.ratePerSecond), COLUMNS[1][1]),
    figure(ms(now?.p50Ms), COLUMNS[2][1]),
    h(
      'span',
      {},
      figure(ms(now?.p99Ms), COLUMNS[3][1], { class: isLate(each) ? 'bad' : '' }),
      h('small', {}, ` / ${ms(sloMs)}${percentile === 99 ? '' : ` at p${percentile}`}`),
    ),
    sparkline(p99Ms, sloMs, `p99 of ${name} over ten minutes: now ${ms(now?.p99Ms)}, SLO ${ms(sloMs)}`),
    figure(percent(now?.attainment), COLUMNS[5][1], { class: isLate(each) ? 'bad' : '' }),
    figure(now === null ? NONE : `${now.queued} + ${now.inFlight}`, COLUMNS[6][1]),
    instancesText(instances, now, maxInstances),
    figure(cores(now?.cpuMillicores ?? 0), COLUMNS[8][1]),
  ];
  return h(
    'tr',
    { 'data-key': name },
    h('th', { scope: 'row' }, h('a', { href: `#/functions/${name}` }, name)),
    cells.map((cell, index) => h('td', { 'data-label': COLUMNS[index + 1][0] }, cell)),
  );
}

function instancesText(instances, now, most) {
  if (instances.length === 0) return figure('none', 'No instance: the next request starts one');
  const text = instances.map(({ config, count }) => `${count} × ${config}`).join(' + ');
  const starting = now?.starting > 0 ? `, ${now.starting} starting` : '';
  return figure(`${text}${starting}`, `At most ${most} are allowed`);
}

function isLate({ now, percentile }) {
  return now?.attainment !== null && now !== null && now.attainment < percentile / 100;
}

function troubles(functions, broken) {
  const told = [
    ...functions.filter(({ trouble }) => trouble !== null).map(({ name, trouble }) => [name, trouble]),
    ...broken.map(({ name, reason }) => [name, reason]),
  ];
  if (told.length === 0) return null;
  return h(
    'section',
    {},
    h('h2', {}, 'What is short or does not run'),
    h(
      'ul',
      { class: 'troubles' },
      told.map(([name, text]) => h('li', {}, h('strong', {}, name), `: ${text}`)),
    ),
  );
}
