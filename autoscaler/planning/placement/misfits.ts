import { isAtMost, type Vector } from '../../../models/base/resources.ts';
import type { Site } from '../../cluster/eligible-nodes.ts';
import type { Candidate } from '../../latency/candidate.ts';

/**
 * What has found no place, by where it looked for one: as long as room only becomes less, nothing finds one that needs as
 * much of everything.
 */
export class Misfits {
  readonly #needs = new Map<Site, readonly Vector[]>();

  has(site: Site, { needs }: Candidate): boolean {
    return this.#least(site).some((known) => isAtMost(known, needs));
  }

  add(site: Site, { needs }: Candidate): void {
    const others = this.#least(site).filter((known) => !isAtMost(needs, known));
    this.#needs.set(site, [...others, needs]);
  }

  /** Only what needs less than any other counts. */
  #least(site: Site): readonly Vector[] {
    return this.#needs.get(site) ?? [];
  }
}
