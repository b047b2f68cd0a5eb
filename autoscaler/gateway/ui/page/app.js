import { changeView } from './change.js';
import { clusterView } from './cluster.js';
import { clock, fill, h } from './dom.js';
import { functionView } from './function.js';
import { overviewView } from './overview.js';
import { tryView } from './try.js';

/**
 * A view: what is shown at an address.
 *
 * - `events`: the query of the events that it lives from; without, it is drawn once.
 * - `draw`: its nodes, from the latest state; undefined while there is none.
 * - `own`: it draws into the element by itself, once.
 *
 * @typedef {{ title: string, events?: string, draw?: (state: any) => Node[], own?: (main: Element) => void }} View
 */

const main = document.getElementById('main');
const connection = document.getElementById('connection');

let view;
let source;
let latest;
let staleSince;

function route() {
  const [, first = '', name = '', third = ''] = decodeURIComponent(location.hash).split('/');
  if (first === 'cluster') return clusterView();
  if (first === 'deploy') return changeView(undefined);
  if (first !== 'functions' || name === '') return overviewView();
  if (third === 'try') return tryView(name);
  if (third === 'change') return changeView(name);
  return functionView(name, redraw);
}

function show() {
  source?.close();
  view = route();
  latest = undefined;
  staleSince = undefined;
  document.title = `${view.title} – INFless`;
  for (const link of document.querySelectorAll('nav a')) {
    const isHere =
      link.hash === location.hash || (link.hash === '#/' && !/^#\/(cluster|deploy)/.test(location.hash));
    if (isHere) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  main.replaceChildren();
  main.classList.remove('stale');
  tellConnection();
  if (view.own !== undefined) {
    view.own(main);
    return;
  }
  fill(main, h('h1', {}, view.title), h('p', { class: 'empty', role: 'status' }, 'Loading …'));
  follow();
}

function follow() {
  source = new EventSource(`/api/ui/events${view.events}`);
  source.onmessage = ({ data }) => {
    latest = JSON.parse(data);
    latest.atMs = Date.now();
    staleSince = undefined;
    tellConnection();
    redraw();
  };
  source.onerror = () => {
    if (staleSince === undefined) staleSince = Date.now();
    tellConnection();
    if (source.readyState === EventSource.CLOSED) void explain();
  };
}

/** A stream that is refused does not say why: asking once more does. */
async function explain() {
  const asked = view;
  try {
    const answer = await fetch('/api/functions');
    if (answer.ok || asked !== view) return again(asked);
    const { error } = await answer.json().catch(() => ({ error: `status ${answer.status}` }));
    if (latest === undefined)
      fill(main, h('p', { class: 'notice bad', role: 'alert' }, `The gateway refuses to tell: ${error}`));
  } catch {
    again(asked);
  }
}

function again(asked) {
  setTimeout(() => {
    if (asked === view) follow();
  }, 2_000);
}

function redraw() {
  if (latest === undefined || view.draw === undefined) return;
  if (latest.missing !== undefined) {
    fill(main, h('h1', {}, view.title), h('p', { class: 'notice bad', role: 'alert' }, `${latest.missing}.`));
    return;
  }
  fill(main, ...view.draw(latest));
}

function tellConnection() {
  main.classList.toggle('stale', staleSince !== undefined && latest !== undefined);
  const text =
    staleSince === undefined
      ? ''
      : latest === undefined
        ? 'The gateway does not answer. Trying again …'
        : `The gateway does not answer since ${clock(staleSince)}: what is shown is of then. Trying again …`;
  if (connection.textContent !== text) connection.textContent = text;
}

window.addEventListener('hashchange', () => {
  show();
  main.focus({ preventScroll: true });
  window.scrollTo(0, 0);
});
show();
