import type { Site } from '../../cluster/eligible-nodes.ts';
import { type Resources, resourcesOf } from '../../cluster/resources.ts';
import type { Candidate } from '../../latency/candidate.ts';

/**
 * What has found no place, by where it looked for one: as long as room only becomes less, nothing finds one that needs as
 * much of everything.
 */
export class Misfits {
  readonly #needs = new Map<Site, readonly Resources[]>();

  has(site: Site, candidate: Candidate): boolean {
    const needs = resourcesOf(candidate);
    return this.#least(site).some((known) => isWithin(known, needs));
  }

  add(site: Site, candidate: Candidate): void {
    const needs = resourcesOf(candidate);
    const others = this.#least(site).filter((known) => !isWithin(needs, known));
    this.#needs.set(site, [...others, needs]);
  }

  /** Only what needs less than any other counts. */
  #least(site: Site): readonly Resources[] {
    return this.#needs.get(site) ?? [];
  }
}

function isWithin(less: Resources, more: Resources): boolean {
  return less[0] <= more[0] && less[1] <= more[1] && less[2] <= more[2];
}
