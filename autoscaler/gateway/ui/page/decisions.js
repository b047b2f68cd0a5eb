import { clock, h, ms, percent, perSecond, plural } from './dom.js';

const BECAUSE = {
  slo: (figure) => `keeps no SLO below ${ms(figure)}`,
  limits: (figure) => `${times(figure)} the limits`,
  'no-node': (figure) => `needs ${times(figure)} the room that there is`,
  costlier: (figure) => `costs ${times(figure)} as much`,
};

function times(figure) {
  return figure === null ? 'more than any number of times' : `${figure.toFixed(2)} times`;
}

/**
 * The decisions about a function, and what would be decided at another rate. They are fetched when there are
 * new ones.
 */
export function decisionList(name, redraw) {
  let known;
  let fetched = [];
  const answers = new Map();
  const path = `/api/functions/${encodeURIComponent(name)}`;

  async function update(count) {
    known = count;
    try {
      const answer = await fetch(`${path}/decisions`);
      if (answer.ok) fetched = (await answer.json()).decisions;
    } catch {
      known = undefined; // with the next event
    }
    redraw();
  }

  async function ask(event) {
    event.preventDefault();
    const { at, rate } = Object.fromEntries(new FormData(event.target));
    answers.set(at, { text: 'Asking …' });
    redraw();
    try {
      const answer = await fetch(`${path}/explanation?rate=${encodeURIComponent(rate)}`);
      const body = await answer.json();
      answers.set(at, answer.ok ? { explanation: body } : { text: body.error });
    } catch {
      answers.set(at, { text: 'The gateway does not answer.' });
    }
    redraw();
  }

  return ({ decisions: count }) => {
    if (count !== known) void update(count);
    if (fetched.length === 0)
      return h('p', { class: 'empty' }, 'Nothing was decided yet that changed something.');
    return h(
      'ol',
      { class: 'decisions' },
      fetched.slice(0, 30).map((each) => decision(each, answers, ask)),
    );
  };
}

function decision(each, answers, ask) {
  const { at, text, constraint, rejected, forecastPerSecond, carriedPerSecond } = each;
  return h(
    'li',
    { 'data-key': `${at} ${text}` },
    h(
      'details',
      {},
      h(
        'summary',
        {},
        h('time', { datetime: at }, clock(Date.parse(at))),
        ` ${text.replace(/^[^:]*: /, '')}`,
      ),
      h(
        'p',
        {},
        `Forecast with headroom: ${perSecond(forecastPerSecond)}; carried before: ${perSecond(carriedPerSecond)}. What binds: ${constraint}.`,
      ),
      rejected.length === 0
        ? null
        : [
            h('p', {}, 'Not chosen, what comes closest first:'),
            h(
              'ul',
              {},
              rejected.map(({ configText, because, figure }) =>
                h('li', {}, `${configText} ${BECAUSE[because](figure)}`),
              ),
            ),
          ],
      h(
        'form',
        { class: 'inline', onsubmit: ask },
        h('input', { type: 'hidden', name: 'at', value: at }),
        h(
          'label',
          {},
          'What if there were ',
          h('input', {
            name: 'rate',
            type: 'number',
            min: '0.01',
            step: 'any',
            required: true,
            value: Math.max(0.1, forecastPerSecond).toFixed(1),
          }),
          ' requests per second now? ',
        ),
        h('button', {}, 'Ask the planner'),
      ),
      answerText(answers.get(at)),
    ),
  );
}

function answerText(answer) {
  if (answer === undefined) return null;
  if (answer.explanation === undefined) return h('p', { class: 'notice', role: 'status' }, answer.text);
  return explanationText(answer.explanation);
}

/** What the planner says, in sentences; of a preview, too. */
export function explanationText({ chosen, why, missingPerSecond, runnerUp, looser, costOfSlo, sloMs }) {
  const forecast = chosen?.forecast;
  return h(
    'div',
    { class: 'notice', role: 'status' },
    h(
      'p',
      {},
      h('strong', {}, chosen === null ? 'Nothing' : chosen.text),
      chosen === null ? '' : `, for ${perSecond(chosen.capacityPerSecond)} at most.`,
    ),
    h('p', {}, why),
    missingPerSecond > 0
      ? h('p', { class: 'bad' }, `There is no room for ${perSecond(missingPerSecond)} of it.`)
      : null,
    forecast == null
      ? null
      : h(
          'p',
          {},
          `Predicted: p50 ${ms(forecast.p50Ms)}, p99 ${ms(forecast.p99Ms)}; the SLO is ${ms(sloMs)}.`,
        ),
    runnerUp === null
      ? null
      : h('p', {}, `Runner-up: ${runnerUp.set.text}, ${percent(runnerUp.extraShare, 0)} dearer.`),
    looser === null
      ? null
      : h(
          'p',
          {},
          `An SLO of ${ms(looser.sloMs)} would cost ${percent(looser.savedShare, 0)} less: ${looser.set.text}.`,
        ),
    costOfSlo.length === 0
      ? null
      : h(
          'details',
          {},
          h('summary', {}, `What ${plural(costOfSlo.length, 'other SLO')} would cost`),
          h(
            'table',
            {},
            h(
              'thead',
              {},
              h(
                'tr',
                {},
                ['SLO', 'instances', 'cost in GFLOPS'].map((text) => h('th', { scope: 'col' }, text)),
              ),
            ),
            h(
              'tbody',
              {},
              costOfSlo.map((each) =>
                h(
                  'tr',
                  {},
                  h('th', { scope: 'row' }, ms(each.sloMs)),
                  h('td', {}, each.set.text),
                  h('td', {}, each.set.gflops.toFixed(0)),
                ),
              ),
            ),
          ),
        ),
  );
}
