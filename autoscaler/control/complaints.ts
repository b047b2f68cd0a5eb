import type { Logger } from 'pino';

/** What has not been so for so long is over: where it comes and goes with every plan, that is told once. */
const CALM_MS = 10_000;

/** What is wrong with a function. */
export interface Complaint {
  readonly functionName: string;
  /** The same as long as it is the same that is wrong. */
  readonly kind: string;
  /** For people: a sentence. */
  readonly reason: string;
}

export interface ComplaintTexts {
  readonly begins: string;
  readonly ends: string;
}

/**
 * Tells the log what is wrong with functions for longer: when that begins, when it becomes another thing, and
 * when it is over.
 */
export class Complaints {
  readonly #logger: Logger;
  readonly #texts: ComplaintTexts;
  /** By function: what was wrong lately, and when last. */
  readonly #standing = new Map<string, Map<string, number>>();

  constructor(logger: Logger, texts: ComplaintTexts) {
    this.#logger = logger;
    this.#texts = texts;
  }

  /** @param complaints all there are at `nowMs` */
  note(complaints: readonly Complaint[], nowMs: number): void {
    for (const { functionName, kind, reason } of complaints) {
      const kinds = this.#standing.get(functionName) ?? new Map<string, number>();
      if (!kinds.has(kind)) this.#logger.warn({ function: functionName, reason }, this.#texts.begins);
      this.#standing.set(functionName, kinds.set(kind, nowMs));
    }
    for (const [functionName, kinds] of this.#standing) {
      for (const [kind, seenAtMs] of kinds) if (nowMs - seenAtMs >= CALM_MS) kinds.delete(kind);
      if (kinds.size > 0) continue;
      this.#standing.delete(functionName);
      this.#logger.info({ function: functionName }, this.#texts.ends);
    }
  }

  /** There is no one left to complain of, or somebody else tells. */
  forget(functionName?: string): void {
    if (functionName === undefined) this.#standing.clear();
    else this.#standing.delete(functionName);
  }
}
