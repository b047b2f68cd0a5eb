const SVG = 'http://www.w3.org/2000/svg';
const SVG_TAGS = new Set(['svg', 'path', 'line', 'rect', 'g', 'title', 'text', 'circle']);

/**
 * An element: attributes by name, listeners as `onclick`. What is null, undefined or false is left out.
 *
 * @param {string} tag
 * @param {Record<string, unknown>} attributes
 * @param {...unknown} children
 */
export function h(tag, attributes = {}, ...children) {
  const element = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element[name] = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children.flat(3))
    if (child !== undefined && child !== null && child !== false) element.append(child);
  return element;
}

/**
 * Makes the children of an element like others, changing only what differs: what has the focus, is scrolled
 * or is being typed stays as it is.
 *
 * @param {Element} parent
 * @param {readonly (Node | false | null | undefined)[]} wanted
 */
export function fill(parent, ...wanted) {
  const next = wanted.flat(3).filter((node) => node !== false && node !== null && node !== undefined);
  for (let index = 0; index < next.length; index += 1) {
    const old = parent.childNodes[index];
    if (old === undefined) parent.append(next[index]);
    else morph(old, next[index]);
  }
  while (parent.childNodes.length > next.length) parent.lastChild.remove();
}

function morph(old, next) {
  const node = typeof next === 'string' ? document.createTextNode(next) : next;
  if (old.nodeType !== node.nodeType || old.nodeName !== node.nodeName || keyOf(old) !== keyOf(node)) {
    old.replaceWith(node);
    return;
  }
  if (node.nodeType === Node.TEXT_NODE) {
    if (old.data !== node.data) old.data = node.data;
    return;
  }
  if (old.dataset?.keep !== undefined) return; // it looks after itself
  for (const { name } of [...old.attributes])
    if (!node.hasAttribute(name) && !(name === 'open' && old.nodeName === 'DETAILS'))
      old.removeAttribute(name);
  for (const { name, value } of node.attributes)
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const name of ['onclick', 'onsubmit', 'onchange', 'oninput', 'ontoggle']) old[name] = node[name];
  fill(old, [...node.childNodes]);
}

function keyOf(node) {
  return node.dataset?.key;
}

/** A figure that tells on hover and focus what it is. */
export function figure(text, meaning, options = {}) {
  return h(
    'span',
    { class: `figure ${options.class ?? ''}`, title: meaning, tabindex: options.tabindex },
    text,
  );
}

/** A labelled figure, as there are some in a row. */
export function fact(label, text, meaning, className) {
  return h(
    'div',
    { class: 'fact', tabindex: '0', title: meaning, 'data-tip': meaning },
    h('dt', {}, label),
    h('dd', { class: className }, text),
  );
}

export const NONE = '–';

export function ms(value) {
  if (value === null || value === undefined) return NONE;
  if (value >= 1_000) return `${(value / 1000).toFixed(value >= 10_000 ? 1 : 2)} s`;
  if (value >= 100) return `${Math.round(value)} ms`;
  return `${value >= 10 ? value.toFixed(1) : value.toFixed(2)} ms`;
}

export function perSecond(value) {
  if (value === null || value === undefined) return NONE;
  return `${value >= 100 ? Math.round(value) : value.toFixed(1)}/s`;
}

export function percent(share, digits = 1) {
  return share === null || share === undefined ? NONE : `${(share * 100).toFixed(digits)} %`;
}

export function cores(millicores) {
  return `${(millicores / 1000).toFixed(millicores % 1000 === 0 ? 0 : 1)}`;
}

export function clock(epochMs) {
  return new Date(epochMs).toLocaleTimeString([], { hour12: false });
}

export function plural(count, one, several = `${one}s`) {
  return `${count} ${count === 1 ? one : several}`;
}
