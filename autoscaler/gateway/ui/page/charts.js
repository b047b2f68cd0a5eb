import { clock, h, NONE } from './dom.js';

const WIDTH = 600;
const HEIGHT = 120;
const MOST_COLUMNS = 60;
/** A chart with an SLO ends at so many times that. */
const MOST_SLOS = 4;

/**
 * A line without axes, with the SLO as a second line: what happened lately, at a glance.
 *
 * @param {readonly (number | null)[]} values
 * @param {number} slo
 */
export function sparkline(values, slo, label) {
  const [width, height] = [120, 26];
  const top = Math.min(slo * MOST_SLOS, Math.max(slo * 1.25, ...values.map((value) => value ?? 0)));
  const y = (value) => height - 1 - (Math.min(value, top) / top) * (height - 2);
  const x = (index) => (values.length < 2 ? 0 : (index / (values.length - 1)) * width);
  return h(
    'svg',
    { class: 'spark', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label },
    h('title', {}, label),
    h('line', { class: 'slo', x1: 0, x2: width, y1: y(slo), y2: y(slo) }),
    h('path', { class: 'line-1', d: pathOf(values, x, y) }),
  );
}

/**
 * Lines over time.
 *
 * @param {{ times: readonly number[], series: readonly { name: string, values: readonly (number | null)[] }[],
 *   format: (value: number) => string, slo?: number, title: string }} options
 */
export function timeChart({ times, series, format, slo, title }) {
  const values = series.flatMap((each) => each.values).filter((value) => value !== null);
  const highest = Math.max(0, ...values, ...(slo === undefined ? [] : [slo * 1.1]));
  const drawn = slo === undefined ? highest : Math.min(highest, slo * MOST_SLOS); // or one peak hides all else
  const top = drawn === 0 ? 1 : drawn * 1.05;
  const y = (value) => HEIGHT - (Math.min(value, top) / top) * (HEIGHT - 4);
  const x = (index) => (times.length < 2 ? WIDTH : (index / (times.length - 1)) * WIDTH);
  const last = series.map(({ name, values: own }) => `${name} ${text(own.at(-1), format)}`).join(', ');
  return h(
    'figure',
    { class: 'chart' },
    h(
      'figcaption',
      {},
      title,
      ' ',
      series.length > 1
        ? series.map(({ name }, index) => h('small', { class: `key key-${index + 1}` }, name))
        : null,
      slo === undefined ? null : h('small', { class: 'key key-slo' }, `SLO ${format(slo)}`),
    ),
    values.length === 0
      ? h('p', { class: 'empty' }, 'Nothing yet.')
      : [
          h(
            'p',
            { class: 'scale' },
            `up to ${format(highest)}${drawn < highest ? `, drawn up to ${format(drawn)}` : ''}`,
          ),
          h(
            'svg',
            {
              viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
              preserveAspectRatio: 'none',
              role: 'img',
              'aria-label': `${title}: now ${last}; at most ${format(Math.max(...values))} in what is shown`,
            },
            slo === undefined ? null : h('line', { class: 'slo', x1: 0, x2: WIDTH, y1: y(slo), y2: y(slo) }),
            series.map((each, index) =>
              h('path', { class: `line-${index + 1}`, d: pathOf(each.values, x, y) }),
            ),
            columns(times, series, format),
          ),
          axis(times),
        ],
  );
}

/** Over each stretch of time an invisible column that tells its values. */
function columns(times, series, format) {
  const step = Math.max(1, Math.ceil(times.length / MOST_COLUMNS));
  const found = [];
  for (let index = times.length - 1; index >= 0; index -= step) {
    const told = series.map(({ name, values }) => `${name} ${text(values[index], format)}`).join(', ');
    const width = (WIDTH * step) / Math.max(1, times.length - 1);
    const left = times.length < 2 ? 0 : (index / (times.length - 1)) * WIDTH - width / 2;
    found.push(
      h(
        'rect',
        { class: 'column', x: left.toFixed(1), y: 0, width: width.toFixed(1), height: HEIGHT },
        h('title', {}, `${clock(times[index])}: ${told}`),
      ),
    );
  }
  return found;
}

function axis(times) {
  if (times.length < 2) return null;
  return h(
    'p',
    { class: 'axis', 'aria-hidden': 'true' },
    h('span', {}, clock(times[0])),
    h('span', {}, clock(times.at(-1))),
  );
}

function text(value, format) {
  return value === null || value === undefined ? NONE : format(value);
}

function pathOf(values, x, y) {
  let path = '';
  let isDown = false;
  values.forEach((value, index) => {
    if (value === null) isDown = false;
    else {
      path += `${isDown ? 'L' : 'M'}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
      isDown = true;
    }
  });
  return path;
}

const ROW = 18;

/**
 * Instances over time, one row each: light while it starts, solid while it serves.
 *
 * @param {readonly { id: string, config: string, node: string, phase: string, startedAtMs: number,
 *   readyAtMs?: number, goneAtMs?: number }[]} episodes
 */
export function strip(episodes, fromMs, toMs) {
  if (episodes.length === 0) return h('p', { class: 'empty' }, 'No instance in the last ten minutes.');
  const configs = [...new Set(episodes.map(({ config }) => config))].sort();
  const span = Math.max(1, toMs - fromMs);
  const x = (atMs) => Math.min(WIDTH, Math.max(0, ((atMs - fromMs) / span) * WIDTH));
  const rows = placed(episodes);
  const height = (Math.max(...rows.values()) + 1) * ROW;
  const bars = episodes.map((each) => {
    const { id, config, node, startedAtMs, readyAtMs, goneAtMs } = each;
    const y = rows.get(each) * ROW + 2;
    const [begin, ready, end] = [x(startedAtMs), x(readyAtMs ?? goneAtMs ?? toMs), x(goneAtMs ?? toMs)];
    const started =
      readyAtMs === undefined ? 'starting' : `ready after ${Math.round(readyAtMs - startedAtMs)} ms`;
    const ended = goneAtMs === undefined ? 'runs' : `gone at ${clock(goneAtMs)}`;
    return h(
      'g',
      {},
      h('title', {}, `${id}: ${config} on ${node}, started ${clock(startedAtMs)}, ${started}, ${ended}`),
      h('rect', { class: 'cold', x: begin, y, width: Math.max(1, ready - begin), height: ROW - 4 }),
      h('rect', {
        class: `bar bar-${(configs.indexOf(config) % 8) + 1}`,
        ...{ x: ready, y, width: Math.max(readyAtMs === undefined ? 0 : 1, end - ready), height: ROW - 4 },
      }),
    );
  });
  return h(
    'div',
    {},
    h(
      'p',
      { class: 'keys' },
      configs.map((config, index) => h('small', { class: `key key-${(index % 8) + 1}` }, config)),
      h('small', { class: 'key key-cold' }, 'starting'),
    ),
    h(
      'svg',
      {
        class: 'strip',
        viewBox: `0 0 ${WIDTH} ${height}`,
        preserveAspectRatio: 'none',
        height,
        role: 'img',
        'aria-label': `${episodes.length} instances in the last ten minutes, ${episodes.filter(({ goneAtMs }) => goneAtMs === undefined).length} of them there now`,
      },
      bars,
    ),
    axis([fromMs, toMs]),
  );
}

/** An instance goes to the first row that is free by then. */
function placed(episodes) {
  const freeFrom = [];
  const rows = new Map();
  for (const each of episodes) {
    let row = freeFrom.findIndex((atMs) => atMs <= each.startedAtMs);
    if (row < 0) row = freeFrom.length;
    freeFrom[row] = each.goneAtMs ?? Infinity;
    rows.set(each, row);
  }
  return rows;
}

/**
 * How many of what, as bars.
 *
 * @param {readonly { name: string, count: number }[]} parts
 */
export function bars(parts, unit) {
  const last = parts.findLastIndex(({ count }) => count > 0);
  const total = parts.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return h('p', { class: 'empty' }, 'Nothing yet.');
  return h(
    'table',
    { class: 'bars' },
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        h('th', { scope: 'col' }, unit),
        h('th', { scope: 'col' }, 'count'),
        h('th', { scope: 'col' }, 'share'),
      ),
    ),
    h(
      'tbody',
      {},
      parts
        .slice(0, last + 1)
        .map(({ name, count }) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, name),
            h('td', {}, count),
            h(
              'td',
              { class: 'bar-cell' },
              h(
                'svg',
                { viewBox: '0 0 100 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
                h('rect', { class: 'bar bar-1', x: 0, y: 0, width: (100 * count) / total, height: 10 }),
              ),
              ` ${((100 * count) / total).toFixed(0)} %`,
            ),
          ),
        ),
    ),
  );
}
