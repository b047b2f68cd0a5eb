import { describe, expect, it } from 'vitest';
import {
  type AsyncCall,
  type AsyncLimits,
  AsyncQueue,
} from '../../../../autoscaler/gateway/async/async-queue.ts';
import { settle } from '../../../support/virtual-time.ts';

/** A queue whose calls end when the test says so. */
class World {
  readonly running: { readonly call: AsyncCall; readonly end: () => void }[] = [];
  readonly started: string[] = [];
  readonly queue: AsyncQueue;
  #next = 0;

  constructor(limits: Partial<AsyncLimits> = {}) {
    const run = (call: AsyncCall, signal: AbortSignal): Promise<void> =>
      new Promise((resolve) => {
        this.started.push(call.id);
        this.running.push({ call, end: resolve });
        signal.addEventListener('abort', () => resolve());
      });
    this.queue = new AsyncQueue(run, {
      ...{ calls: 100, bodyBytes: 1000, callsPerFunction: 100, bodyBytesPerFunction: 1000 },
      ...{ runningPerFunction: 2, ...limits },
    });
  }

  add(functionName: string, bytes = 1): string {
    const id = `${functionName}${this.#next++}`;
    const call = { id, address: functionName, functionName, path: '/', contentType: 'text/plain' };
    this.queue.add({ ...call, body: new Uint8Array(bytes), callbackUrl: undefined });
    return id;
  }

  async end(id: string): Promise<void> {
    this.running.find(({ call }) => call.id === id)!.end();
    await settle();
  }
}

const never = new Promise<void>(() => {});

describe('asynchronous calls', () => {
  it('run in their order, so many of a function at a time, whatever others do', async () => {
    const world = new World();
    for (let call = 0; call < 4; call += 1) world.add('a');
    world.add('b');
    expect(world.started).toEqual(['a0', 'a1', 'b4']);
    await world.end('a1');
    expect(world.started).toEqual(['a0', 'a1', 'b4', 'a2']);
    await world.end('a0');
    await world.end('a2');
    expect(world.started.at(-1)).toBe('a3');
    expect(world.queue.size).toBe(2);
  });

  it('are refused beyond a number and beyond an amount of memory, until others have ended', async () => {
    const world = new World({ calls: 3, bodyBytes: 100 });
    world.add('a', 60);
    expect(() => world.add('a', 41)).toThrow(expect.objectContaining({ code: 'OVERLOADED' }));
    world.add('a', 40);
    world.add('b', 0);
    expect(() => world.add('b', 0)).toThrow(expect.objectContaining({ code: 'OVERLOADED' }));
    await world.end('a0');
    world.add('b', 60);
    expect(world.queue.size).toBe(3);
  });

  it('of one function leave room for those of others', async () => {
    const world = new World({ callsPerFunction: 2, bodyBytesPerFunction: 50 });
    world.add('a', 30);
    expect(() => world.add('a', 21)).toThrow(/function "a"/);
    world.add('a', 20);
    expect(() => world.add('a', 0)).toThrow(expect.objectContaining({ code: 'OVERLOADED' }));
    world.add('b', 50);
    await world.end('a0');
    world.add('a', 30);
    expect(world.queue.size).toBe(3);
  });

  it('that run may end when the gateway does; those that wait are counted as lost', async () => {
    const world = new World();
    for (let call = 0; call < 5; call += 1) world.add('a');
    const closed = world.queue.close(never);
    expect(() => world.add('a')).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }));
    await world.end('a0');
    await world.end('a1');
    expect(await closed).toBe(3);
    expect(world.started).toEqual(['a0', 'a1']);
    expect(await new World().queue.close(never)).toBe(0);
  });

  it('that take too long are given up then', async () => {
    const world = new World();
    for (let call = 0; call < 3; call += 1) world.add('a');
    expect(await world.queue.close(Promise.resolve())).toBe(3);
    expect(world.queue.size).toBe(0);
  });
});
