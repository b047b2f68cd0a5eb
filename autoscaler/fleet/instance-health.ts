/** An instance that failed a batch is left alone so long, unless its platform reports it gone before. */
const SUSPECT_MS = 1_000;
/** One that does not even answer whether it lives is left alone for longer: each batch would be late. */
const SILENT_MS = 10_000;

/** An instance that fails so many batches in a row is not worth keeping, whatever it says of itself. */
const MOST_FAILURES = 3;

interface Record {
  hasAnswered: boolean;
  /** Batches failed since the last answer. */
  failures: number;
  suspectUntilMs: number;
}

/** What batches tell about the instances that ran them. */
export class InstanceHealth {
  readonly #records = new Map<string, Record>();

  answered(id: string): void {
    const record = this.#of(id);
    record.hasAnswered = true;
    record.failures = 0;
  }

  /** @param how `stuck`: nothing will ever come of it */
  failed(id: string, nowMs: number, how: 'failed' | 'silent' | 'stuck' = 'failed'): void {
    const record = this.#of(id);
    record.failures = how === 'stuck' ? MOST_FAILURES : record.failures + 1;
    record.suspectUntilMs = nowMs + (how === 'failed' ? SUSPECT_MS : SILENT_MS);
  }

  forget(id: string): void {
    this.#records.delete(id);
  }

  hasAnswered(id: string): boolean {
    return this.#records.get(id)?.hasAnswered ?? false;
  }

  isSuspect(id: string, nowMs: number): boolean {
    return nowMs < (this.#records.get(id)?.suspectUntilMs ?? 0);
  }

  failedForGood(id: string): boolean {
    return (this.#records.get(id)?.failures ?? 0) >= MOST_FAILURES;
  }

  #of(id: string): Record {
    let record = this.#records.get(id);
    if (record === undefined) {
      record = { hasAnswered: false, failures: 0, suspectUntilMs: 0 };
      this.#records.set(id, record);
    }
    return record;
  }
}
