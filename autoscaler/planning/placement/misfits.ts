import type { Site } from '../../cluster/eligible-nodes.ts';
import { isNoEasier, type ShareNeeds } from '../../cluster/node.ts';

/**
 * What has found no place, by where it looked for one: as long as room only becomes less, nothing finds one that needs as
 * much of everything.
 */
export class Misfits {
  readonly #needs = new Map<Site, readonly ShareNeeds[]>();

  has(site: Site, candidate: ShareNeeds): boolean {
    return this.#least(site).some((known) => isNoEasier(candidate, known, site.kinds));
  }

  add(site: Site, candidate: ShareNeeds): void {
    const others = this.#least(site).filter((known) => !isNoEasier(known, candidate, site.kinds));
    this.#needs.set(site, [...others, candidate]);
  }

  /** Only what needs less than any other counts. */
  #least(site: Site): readonly ShareNeeds[] {
    return this.#needs.get(site) ?? [];
  }
}
