import { fill, h, ms } from './dom.js';

const MOST_SHOWN = 4_000;
const MOST_IN_CODE = 400;
const MOST_CLASSES = 5;

/** A form that is made from the model's metadata, and its answer. */
export function tryView(name) {
  return { title: `Try ${name}`, own: (main) => void open(main, name) };
}

async function open(main, name) {
  fill(main, heading(name), h('p', { class: 'empty', role: 'status' }, 'Loading …'));
  try {
    const [metadata, example] = await Promise.all([
      read(`/v2/models/${encodeURIComponent(name)}`),
      read(`/ui/examples/${encodeURIComponent(name)}`),
    ]);
    main.replaceChildren(heading(name), ...form(name, metadata.inputs, example));
  } catch (error) {
    fill(main, heading(name), h('p', { class: 'notice bad', role: 'alert' }, error.message));
  }
}

function heading(name) {
  return h('h1', {}, h('a', { href: `#/functions/${name}` }, name), ' – try it');
}

async function read(path) {
  const answer = await fetch(path);
  const body = await answer.json();
  if (answer.ok) return body;
  throw new Error(body.error ?? `Status ${answer.status}`);
}

/** The values of one input in a body, wherever its form puts them. */
function valuesIn(example, input, isOnly) {
  const whole = example.instances?.[0] ?? example.inputs;
  return isOnly && (Array.isArray(whole) || typeof whole !== 'object') ? whole : whole[input];
}

function bodyOf(example, values) {
  const names = Object.keys(values);
  const isBare = names.length === 1 && !isNamed(example, names[0]);
  const whole = isBare ? values[names[0]] : values;
  return example.instances === undefined ? { inputs: whole } : { instances: [whole] };
}

function isNamed(example, input) {
  const whole = example.instances?.[0] ?? example.inputs;
  return typeof whole === 'object' && !Array.isArray(whole) && whole !== null && input in whole;
}

function form(name, inputs, example) {
  const fields = inputs.map((input) => field(input, valuesIn(example, input.name, inputs.length === 1)));
  const answer = h('div', { class: 'answer', 'aria-live': 'polite' });
  const code = h('div', {});
  const build = async () => {
    const entries = [];
    for (const each of fields) entries.push([each.name, await each.read()]);
    return JSON.stringify(bodyOf(example, Object.fromEntries(entries)));
  };
  const showCode = async () => {
    try {
      fill(code, ...snippets(name, await build()));
    } catch (error) {
      fill(code, h('p', { class: 'bad' }, error.message));
    }
  };
  const send = async (event) => {
    event.preventDefault();
    fill(
      answer,
      h('p', { class: 'empty' }, 'Waiting for the answer; a first one may have to wait for a start …'),
    );
    try {
      const body = await build();
      await showCode();
      fill(answer, ...(await call(name, body)));
    } catch (error) {
      fill(answer, h('p', { class: 'notice bad', role: 'alert' }, error.message));
    }
  };
  void showCode();
  return [
    h(
      'form',
      { class: 'stacked', onsubmit: send, onchange: () => void showCode() },
      fields.map(({ element }) => element),
      h('p', {}, h('button', { class: 'primary' }, 'Send')),
    ),
    answer,
    h('h2', {}, 'The same from a program'),
    code,
  ];
}

/** What fits an input: an image file, a text, or values as JSON. */
function field(input, example) {
  const { name, datatype, shape } = input;
  const text = JSON.stringify(example);
  const label = `${name}: ${datatype} [${shape.map((size) => (size < 0 ? 'any' : size)).join(', ')}]`;
  const id = `input-${name}`;
  if (datatype === 'BYTES' && typeof example === 'string') {
    const control = h('input', { id, value: example });
    return { name, element: labelled(label, id, control), read: async () => control.value };
  }
  const control = h('textarea', { id, rows: text.length > 200 ? 6 : 2, spellcheck: 'false' });
  control.value = text;
  const values = async () => {
    try {
      return JSON.parse(control.value);
    } catch (error) {
      throw new Error(`${name} is no JSON: ${error.message}`);
    }
  };
  const image = imageShape(example);
  if (image === undefined) return { name, element: labelled(label, id, control), read: values };
  const file = h('input', { id: `${id}-file`, type: 'file', accept: 'image/*' });
  const range = h(
    'select',
    { id: `${id}-range` },
    h('option', { value: '1' }, '0 to 1'),
    h('option', { value: '2' }, '−1 to 1'),
    h('option', { value: '255' }, '0 to 255'),
  );
  if (datatype === 'UINT8') range.value = '255';
  const size = `${image.height} × ${image.width}, ${image.channels === 1 ? 'grey' : 'colours'}`;
  return {
    name,
    element: h(
      'fieldset',
      {},
      h('legend', {}, label),
      labelled(`An image, scaled to ${size}`, file.id, file),
      labelled('Its values', range.id, range),
      h('details', {}, h('summary', {}, 'Or values as JSON'), labelled('Values', id, control)),
    ),
    read: async () =>
      file.files.length === 0 ? values() : pixels(file.files[0], image, Number(range.value)),
  };
}

function labelled(text, id, control) {
  return h('p', {}, h('label', { for: id }, text), control);
}

/** Height, width and channels, where the values of one row look like an image. */
function imageShape(values) {
  const shape = [];
  for (let at = values; Array.isArray(at); at = at[0]) shape.push(at.length);
  if (shape.length === 4 && shape[0] === 1) shape.shift();
  if (shape.length !== 3) return undefined;
  const [a, b, c] = shape;
  const isChannels = (size) => size === 1 || size === 3;
  if (isChannels(c) && a > 3 && b > 3) return { height: a, width: b, channels: c, isLast: true };
  if (isChannels(a) && b > 3 && c > 3) return { height: b, width: c, channels: a, isLast: false };
  return undefined;
}

async function pixels(file, { height, width, channels, isLast }, range) {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(`${file.name} is no image that this browser can read.`);
  });
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width, height });
  const context = canvas.getContext('2d');
  context.drawImage(bitmap, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const scaled = (byte) =>
    range === 255 ? byte : Math.round((range === 1 ? byte / 255 : byte / 127.5 - 1) * 1e4) / 1e4;
  const value = (y, x, channel) => {
    const at = (y * width + x) * 4;
    const grey = 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
    return scaled(channels === 1 ? (range === 255 ? Math.round(grey) : grey) : data[at + channel]);
  };
  const list = (length, make) => Array.from({ length }, (_, index) => make(index));
  return isLast
    ? list(height, (y) => list(width, (x) => list(channels, (channel) => value(y, x, channel))))
    : list(channels, (channel) => list(height, (y) => list(width, (x) => value(y, x, channel))));
}

async function call(name, body) {
  const began = performance.now();
  const reply = await fetch(`/function/${encodeURIComponent(name)}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-infless-timing': '1' },
    body,
  }).catch(() => {
    throw new Error('The gateway does not answer.');
  });
  const text = await reply.text();
  const tookMs = performance.now() - began;
  if (!reply.ok) throw new Error(errorIn(text) ?? `Status ${reply.status}`);
  return [
    h('h2', {}, `Answer after ${ms(tookMs)}`),
    split(reply.headers.get('server-timing')),
    classes(text),
    h(
      'pre',
      { tabindex: '0', 'aria-label': 'Answer' },
      text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)} …` : text,
    ),
  ];
}

function errorIn(text) {
  try {
    return JSON.parse(text).error;
  } catch {
    return undefined;
  }
}

const PHASES = {
  queue: 'waiting for an instance and for others in the batch',
  execute: 'running the batch',
  codec: 'reading and writing JSON of the batch',
  transfer: 'the way to the instance and back',
};

function split(header) {
  if (header === null) return null;
  const parts = [...header.matchAll(/(\w+);dur=([\d.]+)/g)].map(([, phase, duration]) => [
    phase,
    Number(duration),
  ]);
  const requests = /requests;desc="(\d+)"/.exec(header)?.[1];
  return h(
    'table',
    {},
    h(
      'caption',
      {},
      requests === undefined ? 'Where the time went' : `Where the time went, in a batch of ${requests}`,
    ),
    h(
      'tbody',
      {},
      parts.map(([phase, duration]) =>
        h('tr', {}, h('th', { scope: 'row' }, PHASES[phase] ?? phase), h('td', {}, ms(duration))),
      ),
    ),
  );
}

/** The likeliest classes, where the answer is one list of scores. */
function classes(text) {
  let [scores] = JSON.parse(text).predictions ?? [];
  if (scores !== null && typeof scores === 'object' && !Array.isArray(scores))
    scores = Object.values(scores)[0];
  const isList =
    Array.isArray(scores) && scores.length > 1 && scores.every((each) => typeof each === 'number');
  if (!isList) return null;
  const best = scores.map((score, index) => [index, score]).sort((a, b) => b[1] - a[1]);
  return h(
    'table',
    {},
    h('caption', {}, 'Highest values'),
    h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'index'), h('th', { scope: 'col' }, 'value'))),
    h(
      'tbody',
      {},
      best
        .slice(0, MOST_CLASSES)
        .map(([index, score]) =>
          h('tr', {}, h('th', { scope: 'row' }, index), h('td', {}, score.toPrecision(4))),
        ),
    ),
  );
}

function snippets(name, body) {
  const url = `${location.origin}/function/${name}`;
  const isShort = body.length <= MOST_IN_CODE;
  const example = `${location.origin}/ui/examples/${name}`;
  const curl = isShort
    ? `curl -s ${url} -d '${body.replaceAll("'", "'\\''")}'`
    : `curl -s ${example} | curl -s ${url} -d @-`;
  const python = `import json, urllib.request

body = ${isShort ? `json.dumps(${pythonOf(body)}).encode()` : `urllib.request.urlopen("${example}").read()`}
answer = json.load(urllib.request.urlopen("${url}", body))
print(answer["predictions" if "predictions" in answer else "outputs"])`;
  const script = `const body = ${isShort ? `JSON.stringify(${body})` : `await (await fetch('${example}')).text()`};
const answer = await fetch('${url}', { method: 'POST', body });
console.log(await answer.json());`;
  return [
    isShort ? null : h('p', { class: 'facts' }, 'With made-up values: yours are too long to be shown here.'),
    ...[
      ['curl', curl],
      ['Python', python],
      ['JavaScript', script],
    ].map(([language, text]) => [
      h('h3', {}, language),
      h('pre', { tabindex: '0', 'aria-label': language }, text),
    ]),
  ];
}

function pythonOf(json) {
  return json.replaceAll(
    /\b(true|false|null)\b/g,
    (word) => ({ true: 'True', false: 'False', null: 'None' })[word],
  );
}
