import type { ModelAddress } from './protocol.ts';

/**
 * Paths of a protocol, as its documentation writes them: `/v1/models/NAME[/versions/VERSION]:predict`. NAME
 * and VERSION are a model's, what stands in brackets may be left out, and `…` at the end stands for whatever
 * follows.
 */

/**
 * What a template matches, a last slash and percent-encoding included. The groups are the model's name and
 * version; they have no names, because every request is matched, and named ones take several times as long.
 */
export function pathPattern(template: string): RegExp {
  return new RegExp(`^${sourceOf(template)}/?$`);
}

/** The same at the end of a longer path; the first group is what comes before. */
export function pathEndPattern(template: string): RegExp {
  return new RegExp(`^(.*)${sourceOf(template)}/?$`);
}

function sourceOf(template: string): string {
  return template
    .replace(/[.*+?^$()|{}\\]/g, '\\$&')
    .replace(/\[(.*?)\]/g, '(?:$1)?')
    .replace('NAME', '([^/:]+)')
    .replace('VERSION', '([^/:]+)')
    .replace(/…$/, '.*');
}

/** The path of one model. */
export function fillPath(template: string, { model, version }: ModelAddress): string {
  return template
    .replace(/\[(.*?)\]/g, version === undefined ? '' : '$1')
    .replace('NAME', () => encodeURIComponent(model))
    .replace('VERSION', () => encodeURIComponent(version ?? ''));
}

/** The template as people read it: without what may be left out. */
export function shortPath(template: string): string {
  return template.replace(/\[.*?\]/g, '');
}

/**
 * Names in a path. Never throws: what is no valid percent-encoding is no name of ours, and messages show it
 * as sent.
 */
export function decodeName(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
