import type { Candidate } from '../model.ts';
import { type Resources, resourcesOf } from './resources.ts';
import type { Site } from './site.ts';

/**
 * What has found no place, by where it looked for one: as long as room only becomes less, nothing finds one that needs as
 * much of everything.
 */
export class Misfits {
  readonly #needs = new Map<Site, Resources[]>();

  has(site: Site, candidate: Candidate): boolean {
    const needs = resourcesOf(candidate);
    return this.#needs.get(site)?.some((known) => isWithin(known, needs)) ?? false;
  }

  add(site: Site, candidate: Candidate): void {
    const known = this.#needs.get(site);
    if (known === undefined) this.#needs.set(site, [resourcesOf(candidate)]);
    else known.push(resourcesOf(candidate));
  }
}

function isWithin(less: Resources, more: Resources): boolean {
  return less[0] <= more[0] && less[1] <= more[1] && less[2] <= more[2];
}
