import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ObjectStore, type StoreEvent } from '../../../autoscaler/kubernetes/object-store.ts';

interface Thing {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly managedFields?: object[];
  };
}

/**
 * A server that knows one version after the other, and a client that hears of them in any of the ways there
 * are.
 */
class World {
  readonly events: StoreEvent<Thing>[] = [];
  readonly store = new ObjectStore<Thing>(
    (thing) => thing,
    (event) => this.events.push(event),
  );
  readonly #there = new Map<string, Thing>();
  readonly #history: { readonly type: 'put' | 'remove'; readonly thing: Thing }[] = [];
  readonly #answers: Thing[] = [];
  #version = 8; // versions grow a digit on the way
  #told = 0;

  /** The server has a new version of it; who wrote it will be answered. */
  write(name: string): void {
    const thing = this.#next(name, this.#there.get(name)?.metadata.uid ?? `${name}-${this.#version}`);
    this.#there.set(name, thing);
    this.#history.push({ type: 'put', thing });
    this.#answers.push(thing);
  }

  remove(name: string): void {
    const known = this.#there.get(name);
    if (known === undefined) return;
    this.#there.delete(name);
    this.#history.push({ type: 'remove', thing: this.#next(name, known.metadata.uid) });
  }

  /** The watch brings the next event. */
  tell(): void {
    const next = this.#history[this.#told];
    if (next === undefined) return;
    this.#told += 1;
    if (next.type === 'put') this.store.put(next.thing);
    else this.store.remove(next.thing);
  }

  /** The answer to some write arrives. */
  answer(which: number): void {
    const [thing] = this.#answers.splice(which % Math.max(1, this.#answers.length), 1);
    if (thing !== undefined) this.store.learn(thing);
  }

  list(): void {
    this.store.replaceAll([...this.#there.values()], String(this.#version));
    this.#told = this.#history.length;
  }

  catchUp(): void {
    while (this.#told < this.#history.length) this.tell();
    while (this.#answers.length > 0) this.answer(0);
  }

  get there(): Thing[] {
    return [...this.#there.values()];
  }

  #next(name: string, uid: string): Thing {
    this.#version += 1;
    return { metadata: { name, uid, resourceVersion: String(this.#version) } };
  }
}

const name = fc.constantFrom('a', 'b', 'c');
const step = fc.oneof(
  name.map((it) => (world: World) => world.write(it)),
  name.map((it) => (world: World) => world.remove(it)),
  fc.constant((world: World) => world.tell()),
  fc.nat(5).map((which) => (world: World) => world.answer(which)),
  fc.constant((world: World) => world.list()),
);

const byName = (a: Thing, b: Thing): number => a.metadata.name.localeCompare(b.metadata.name);

describe('an object store', () => {
  it('ends up with what there is, in whatever order news come', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const world = new World();
        world.list();
        for (const run of steps) run(world);
        world.catchUp();
        expect([...world.store.items()].sort(byName)).toEqual(world.there.sort(byName));
      }),
    );
  });

  it('tells the life of each object as a beginning, changes and an end', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const world = new World();
        world.list();
        for (const run of steps) run(world);
        world.catchUp();
        const lives = new Map<string, string[]>();
        for (const { type, object } of world.events)
          lives.set(object.metadata.uid, [...(lives.get(object.metadata.uid) ?? []), type]);
        for (const life of lives.values()) expect(life.join(' ')).toMatch(/^added( changed)*( removed)?$/);
      }),
    );
  });

  it('begins anew with a cluster that was restored: its versions may be lower', () => {
    const world = new World();
    world.write('a');
    world.list();
    const { uid } = world.there[0]!.metadata;
    const older: Thing = { metadata: { name: 'a', uid, resourceVersion: '2' } };
    world.store.replaceAll([older], '3');
    expect(world.store.items()).toEqual([older]);
  });

  it('keeps nothing of who owns which field', () => {
    const world = new World();
    world.store.put({ metadata: { name: 'a', uid: 'a', resourceVersion: '1', managedFields: [{}] } });
    expect(world.store.get('a', undefined)?.metadata).not.toHaveProperty('managedFields');
  });
});
