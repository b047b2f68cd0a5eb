import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../../models/base/clock.ts';
import type { ProgressEvent, RegistryOptions } from '../../../packager/registry/options.ts';

/** A clock on which every wait is over at once, and that keeps count of them. */
export class HastyClock implements Clock {
  readonly waitsMs: number[] = [];
  #nowMs = Date.parse('2026-01-01T00:00:00Z');

  nowMs(): number {
    return this.#nowMs;
  }

  at(atMs: number, callback: () => void): () => void {
    this.waitsMs.push(Math.round(atMs - this.#nowMs));
    this.#nowMs = atMs;
    const timer = setImmediate(callback);
    return () => clearImmediate(timer);
  }
}

export interface Desk extends RegistryOptions {
  readonly clock: HastyClock;
  readonly events: ProgressEvent[];
  readonly environment: { readonly HOME: string; readonly INFLESS_CACHE_DIR: string };
}

/**
 * Plain HTTP, no waits, and a home of its own, where no one is logged in and nothing is known of other
 * pushes.
 */
export async function desk(): Promise<Desk> {
  const home = await mkdtemp(join(tmpdir(), 'infless-desk-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const events: ProgressEvent[] = [];
  return {
    insecure: true,
    clock: new HastyClock(),
    environment: { HOME: home, INFLESS_CACHE_DIR: join(home, 'cache') },
    events,
    onProgress: (event) => void events.push(event),
  };
}
