import { bars, strip, timeChart } from './charts.js';
import { decisionList } from './decisions.js';
import { clock, fact, h, ms, percent, perSecond } from './dom.js';

const KEPT_MS = 600_000;

/**
 * One function.
 *
 * @param {string} name
 * @param {() => void} redraw draws it again when something was fetched
 */
export function functionView(name, redraw) {
  const decisions = decisionList(name, redraw);
  return {
    title: name,
    events: `?function=${encodeURIComponent(name)}`,
    draw: (state) => draw(state, decisions),
  };
}

function draw(state, decisions) {
  const { name, samples, warnings, atMs } = state;
  const times = samples.map((sample) => sample.atMs);
  const of = (field) => samples.map((sample) => sample[field]);
  return [
    h('h1', {}, name),
    h(
      'p',
      { class: 'actions' },
      h('a', { href: `#/functions/${name}/try` }, 'Try it'),
      h('a', { href: `#/functions/${name}/change` }, 'Change or remove'),
    ),
    warnings.length === 0
      ? null
      : h(
          'ul',
          { class: 'troubles' },
          warnings.map((text) => h('li', {}, text)),
        ),
    facts(state),
    h(
      'div',
      { class: 'charts' },
      timeChart({
        title: 'Latency',
        times,
        format: ms,
        slo: state.sloMs,
        series: [
          { name: 'p99', values: of('p99Ms') },
          { name: 'p50', values: of('p50Ms') },
        ],
      }),
      timeChart({
        title: 'Load',
        times,
        format: perSecond,
        series: [{ name: 'requests', values: of('ratePerSecond') }],
      }),
      timeChart({
        title: 'Queue',
        times,
        format: (value) => String(Math.round(value)),
        series: [
          { name: 'waiting', values: of('queued') },
          { name: 'running', values: of('inFlight') },
        ],
      }),
      h(
        'figure',
        { class: 'chart' },
        h('figcaption', {}, 'Batch sizes'),
        bars(state.batches, 'requests together'),
        h('p', { class: 'axis' }, 'since the gateway started'),
      ),
    ),
    h('h2', {}, 'Instances over time'),
    strip(state.episodes, atMs - KEPT_MS, atMs),
    coldStarts(state.episodes),
    h('h2', {}, 'Profile table'),
    picture(state),
    h('h2', {}, 'Decisions'),
    decisions(state),
  ];
}

function facts({ samples, sloMs, percentile, running }) {
  const now = samples.at(-1);
  if (now === undefined) return h('p', { class: 'empty' }, 'Nothing was seen of it yet.');
  const isLate = now.attainment !== null && now.attainment < percentile / 100;
  const late = isLate ? 'bad' : undefined;
  const latest = 'of the requests of the last five minutes, 1,024 at most';
  return h(
    'dl',
    { class: 'facts-row' },
    fact('Rate', perSecond(now.ratePerSecond), 'Requests per second now'),
    fact('p50', ms(now.p50Ms), `Half of the requests were answered within this, ${latest}`),
    fact('p99', ms(now.p99Ms), `99 % of the requests were answered within this, ${latest}`, late),
    fact(
      'SLO',
      `${ms(sloMs)} at p${percentile}`,
      'What it promises, from arrival at the gateway to the answer',
    ),
    fact('In time', percent(now.attainment), `Share of requests within the SLO, ${latest}`, late),
    fact('Queue', `${now.queued} + ${now.inFlight}`, 'Requests that wait now, and those that run'),
    fact(
      'Instances',
      running.map(({ config, count }) => `${count} × ${config}`).join(' + ') || 'none',
      'b is the largest batch, c the cores, g the percent of a GPU',
    ),
  );
}

function coldStarts(episodes) {
  const started = episodes.filter(({ readyAtMs }) => readyAtMs !== undefined).reverse();
  if (started.length === 0) return null;
  return h(
    'details',
    {},
    h('summary', {}, `Cold starts: ${started.length} in the last ten minutes`),
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ['at', 'config', 'node', 'ready after'].map((text) => h('th', { scope: 'col' }, text)),
        ),
      ),
      h(
        'tbody',
        {},
        started
          .slice(0, 30)
          .map(({ id, config, node, startedAtMs, readyAtMs }) =>
            h(
              'tr',
              { 'data-key': id },
              h('th', { scope: 'row' }, clock(startedAtMs)),
              h('td', {}, config),
              h('td', {}, node),
              h('td', {}, ms(readyAtMs - startedAtMs)),
            ),
          ),
      ),
    ),
  );
}

/** The table: one picture a GPU share, batches by quotas, the darker the closer to the SLO. */
function picture({ profile, sloMs, running }) {
  const { cells, file, createdAt } = profile;
  const count = new Map(running.map((each) => [each.config, each.count]));
  const shares = [...new Set(cells.map(({ gpuPercent }) => gpuPercent))].sort((a, b) => a - b);
  return h(
    'div',
    {},
    h(
      'p',
      { class: 'facts' },
      `p99 of a full batch by cores and batch size; what runs now is framed. ${file}, of ${createdAt.slice(0, 10)}.`,
    ),
    shares.map((share) =>
      pictureOf(
        cells.filter(({ gpuPercent }) => gpuPercent === share),
        share,
        sloMs,
        count,
      ),
    ),
  );
}

function pictureOf(cells, share, sloMs, count) {
  const quotas = [...new Set(cells.map(({ cpuMillicores }) => cpuMillicores))].sort((a, b) => a - b);
  const batches = [...new Set(cells.map(({ batch }) => batch))].sort((a, b) => a - b);
  const at = new Map(cells.map((cell) => [`${cell.batch} ${cell.cpuMillicores}`, cell]));
  return h(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Profile table' },
    h(
      'table',
      { class: 'picture' },
      h('caption', {}, share === 0 ? 'Without a GPU' : `With ${share} % of a GPU`),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('th', { scope: 'col' }, 'batch'),
          quotas.map((quota) =>
            h('th', { scope: 'col' }, quota === 1000 ? '1 core' : `${quota / 1000} cores`),
          ),
        ),
      ),
      h(
        'tbody',
        {},
        batches.map((batch) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, batch),
            quotas.map((quota) => cellOf(at.get(`${batch} ${quota}`), sloMs, count)),
          ),
        ),
      ),
    ),
  );
}

function cellOf(cell, sloMs, count) {
  if (cell === undefined) return h('td', { class: 'none' }, '');
  const { p50Ms, p99Ms, samples, config } = cell;
  const ratio = p99Ms / sloMs;
  const level = ratio > 1 ? 'over' : `level-${Math.min(4, Math.floor(ratio * 5))}`;
  const runs = count.get(config);
  const source = samples === 0 ? 'predicted' : `${samples} samples`;
  return h(
    'td',
    {
      class: `${level} ${runs === undefined ? '' : 'runs'}`,
      title: `${config}: p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}, ${source}${ratio > 1 ? '; alone already over the SLO' : ''}`,
    },
    `${samples === 0 ? '≈' : ''}${ms(p99Ms)}`,
    runs === undefined ? null : h('strong', {}, ` × ${runs}`),
  );
}
