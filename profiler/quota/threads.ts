import { safeName } from './cgroup-directory.ts';
import type { Quota, Quotas } from './quota-interface.ts';

/** Nothing is held: all that keeps a process at its share is the number of its threads. */
export class ThreadQuotas implements Quotas {
  readonly mechanism = 'threads';
  readonly weaknessReason: string | undefined;

  constructor(weaknessReason?: string) {
    this.weaknessReason = weaknessReason;
  }

  async create(name: string): Promise<Quota> {
    return {
      name: safeName(name),
      mechanism: this.mechanism,
      periodMicros: null,
      attach: async () => {},
      stat: async () => null,
      processes: async () => [],
      remove: async () => {},
    };
  }

  async adopt(): Promise<undefined> {
    return undefined;
  }

  async list(): Promise<string[]> {
    return [];
  }
}
