import { explanationText } from './decisions.js';
import { fill, h } from './dom.js';

/**
 * Deploys a function, changes one or removes it. What would happen is shown first.
 *
 * @param {string | undefined} name undefined for a new one
 */
export function changeView(name) {
  return { title: name === undefined ? 'Deploy' : `Change ${name}`, own: (main) => void open(main, name) };
}

async function open(main, name) {
  if (name === undefined) {
    main.replaceChildren(h('h1', {}, 'Deploy'), ...form(undefined, { slo: '200ms' }));
    return;
  }
  const heading = h('h1', {}, h('a', { href: `#/functions/${name}` }, name), ' – change');
  fill(main, heading, h('p', { class: 'empty', role: 'status' }, 'Loading …'));
  try {
    const answer = await fetch(`/api/functions/${encodeURIComponent(name)}`);
    const status = await answer.json();
    if (!answer.ok) throw new Error(status.error);
    main.replaceChildren(heading, ...form(name, status.declaration), ...removal(name, status));
  } catch (error) {
    fill(main, heading, h('p', { class: 'notice bad', role: 'alert' }, error.message));
  }
}

const FIELDS = [
  { key: 'slo', label: 'SLO', hint: 'like 200ms or 1.5s', required: true },
  {
    key: 'percentile',
    label: 'Percent of requests within it',
    hint: '99 where nothing is given',
    number: true,
  },
  { key: 'scale.min', label: 'Fewest instances', hint: '0', number: true },
  { key: 'scale.max', label: 'Most instances', hint: '100', number: true },
  { key: 'limits.cpu', label: 'Most cores of one instance', hint: 'any', number: true },
  { key: 'limits.gpu', label: 'Most percent of a GPU of one instance', hint: 'any', number: true },
];

function form(name, declared) {
  const result = h('div', { 'aria-live': 'polite' });
  let shown;
  const read = (event) => declarationOf(event.currentTarget.form ?? event.currentTarget, name, declared);
  const preview = async (event) => {
    event.preventDefault();
    const { declaration, rate } = read(event);
    fill(result, h('p', { class: 'empty' }, 'Asking the planner …'));
    const { body, problem } = await send('POST', '/api/ui/preview', {
      ...declaration,
      ...(rate === undefined ? {} : { ratePerSecond: rate }),
    });
    if (problem !== undefined) return fill(result, problemText(problem));
    shown = declaration;
    fill(
      result,
      h('h2', {}, body.isNew ? 'What it would get' : 'What it would get from then on'),
      body.warnings.length === 0
        ? null
        : h(
            'ul',
            { class: 'troubles' },
            body.warnings.map((text) => h('li', {}, text)),
          ),
      explanationText(body.explanation),
      h(
        'p',
        {},
        h(
          'button',
          { class: 'primary', type: 'button', onclick: () => void apply() },
          body.isNew ? 'Deploy it' : 'Change it',
        ),
      ),
    );
  };
  const apply = async () => {
    const path = name === undefined ? '/api/functions' : `/api/functions/${encodeURIComponent(name)}`;
    const { problem } = await send(name === undefined ? 'POST' : 'PUT', path, shown);
    if (problem !== undefined) return fill(result, problemText(problem));
    location.hash = `#/functions/${shown.name ?? name}`;
  };
  const fields = name === undefined ? newFields() : [];
  return [
    h(
      'form',
      { class: 'stacked', onsubmit: (event) => void preview(event) },
      fields,
      FIELDS.map(({ key, label, hint, required, number }) =>
        labelled(
          label,
          key,
          h('input', {
            ...{ id: key, name: key, placeholder: hint, required, value: valueAt(declared, key) },
            ...(number ? { inputmode: 'decimal' } : {}),
          }),
        ),
      ),
      labelled(
        'Requests per second to plan for',
        'rate',
        h('input', {
          id: 'rate',
          name: 'rate',
          inputmode: 'decimal',
          placeholder: name === undefined ? '1' : 'as seen now',
        }),
      ),
      h('p', {}, h('button', { class: 'primary' }, 'Show what would happen'), ' Nothing is changed by that.'),
    ),
    result,
  ];
}

function newFields() {
  return [
    labelled(
      'Name',
      'name',
      h('input', {
        id: 'name',
        name: 'name',
        required: true,
        pattern: '[a-z0-9]([a-z0-9\\-]*[a-z0-9])?',
        placeholder: 'lower case letters, digits and dashes',
      }),
    ),
    labelled(
      'Model',
      'model',
      h('input', {
        id: 'model',
        name: 'model',
        placeholder: 'a path on the gateway’s machine, or a name of the zoo',
      }),
    ),
    labelled(
      'Or an image',
      'image',
      h('input', { id: 'image', name: 'image', placeholder: 'registry.example/model:1 or oci:FOLDER' }),
    ),
  ];
}

function labelled(text, id, control) {
  return h('p', {}, h('label', { for: id }, text), control);
}

function valueAt(declared, key) {
  return key.split('.').reduce((at, part) => at?.[part], declared);
}

/** What is written in the form over what was declared. */
function declarationOf(element, name, declared) {
  const given = Object.fromEntries(new FormData(element));
  const declaration = structuredClone(declared);
  for (const key of ['name', 'model', 'image']) if (given[key]) declaration[key] = given[key];
  if (name !== undefined) declaration.name = name;
  for (const { key, number } of FIELDS) {
    const [first, second] = key.split('.');
    const text = given[key].trim();
    const value = text === '' ? undefined : number ? numberOf(text) : text;
    if (second === undefined) assign(declaration, first, value);
    else {
      declaration[first] = { ...declaration[first] };
      assign(declaration[first], second, value);
      if (Object.keys(declaration[first]).length === 0) delete declaration[first];
    }
  }
  return { declaration, rate: given.rate.trim() === '' ? undefined : numberOf(given.rate) };
}

function assign(target, key, value) {
  if (value === undefined) delete target[key];
  else target[key] = value;
}

/** What is no number goes as it is: the gateway says what is wrong with it. */
function numberOf(text) {
  const value = Number(text);
  return Number.isFinite(value) ? value : text;
}

function removal(name, { instances }) {
  const result = h('div', { 'aria-live': 'polite' });
  const remove = async () => {
    const { problem } = await send('DELETE', `/api/functions/${encodeURIComponent(name)}`);
    if (problem !== undefined) return fill(result, problemText(problem));
    location.hash = '#/';
  };
  const ask = () =>
    fill(
      result,
      h(
        'div',
        { class: 'notice bad' },
        h(
          'p',
          {},
          `Requests to ${name} are answered 404 from then on, ${instances.length} of its instances finish what they run and stop. Its profile table stays.`,
        ),
        h(
          'p',
          {},
          h('button', { type: 'button', class: 'danger', onclick: () => void remove() }, `Remove ${name}`),
        ),
      ),
    );
  return [
    h('h2', {}, 'Remove'),
    h('p', {}, h('button', { type: 'button', onclick: ask }, 'Show what would happen')),
    result,
  ];
}

function problemText(problem) {
  return h('p', { class: 'notice bad', role: 'alert' }, problem);
}

/** The browser asks for the login where the gateway wants one. */
async function send(method, path, body) {
  try {
    const answer = await fetch(path, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (answer.ok) return { body: text === '' ? undefined : JSON.parse(text) };
    if (answer.status === 401)
      return { problem: 'Changes want the login of this gateway, and it was not given.' };
    return { problem: JSON.parse(text).error };
  } catch {
    return { problem: 'The gateway does not answer.' };
  }
}
