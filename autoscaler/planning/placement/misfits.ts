import type { EligibleNodes } from '../../cluster/eligible-nodes.ts';
import { isNoEasier, type ShareNeeds } from '../../cluster/node.ts';

/**
 * What has found no place, by where it looked for one: as long as room only becomes less, nothing finds one
 * that needs as much of everything.
 */
export class Misfits {
  readonly #needs = new Map<EligibleNodes, readonly ShareNeeds[]>();

  has(site: EligibleNodes, candidate: ShareNeeds): boolean {
    return this.#least(site).some((known) => isNoEasier(candidate, known, site.kinds));
  }

  add(site: EligibleNodes, candidate: ShareNeeds): void {
    const others = this.#least(site).filter((known) => !isNoEasier(known, candidate, site.kinds));
    this.#needs.set(site, [...others, candidate]);
  }

  /** Only what needs less than any other counts. */
  #least(site: EligibleNodes): readonly ShareNeeds[] {
    return this.#needs.get(site) ?? [];
  }
}
