import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as settled } from 'node:timers/promises';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Deployment } from '../../../autoscaler/functions/deployment.ts';
import { FunctionStore } from '../../../autoscaler/functions/function-store.ts';
import type { Declared, DeployedFunction, FunctionHost } from '../../../autoscaler/functions/registry.ts';
import type { FunctionSpec } from '../../../autoscaler/functions/spec.ts';
import { StoredFunctions } from '../../../autoscaler/functions/stored-functions.ts';
import { InflessError } from '../../../models/base/errors.ts';
import { VirtualClock } from '../../../models/base/virtual-clock.ts';

/** Runs what it is told to, as the controller does. */
class Host implements FunctionHost {
  readonly #deployed = new Map<string, DeployedFunction>();

  get functions(): readonly DeployedFunction[] {
    return [...this.#deployed.values()];
  }

  get names(): string[] {
    return [...this.#deployed.keys()].sort();
  }

  find(name: string): DeployedFunction | undefined {
    return this.#deployed.get(name);
  }

  requireDeployable({ spec }: Deployment): void {
    if (spec.slo < 10) throw new InflessError('SLO_INFEASIBLE', 'too fast');
  }

  deploy({ origin, declaration, deployment, createdAtMs = 0 }: Declared): DeployedFunction {
    this.requireDeployable(deployment);
    const deployed = { name: deployment.spec.name, origin, declaration, createdAtMs };
    this.#deployed.set(deployed.name, deployed);
    return deployed;
  }

  remove(name: string): void {
    this.#deployed.delete(name);
  }
}

let folder: string;
let host: Host;
let clock: VirtualClock;
let missing: Set<string>;
let lookups: { name: string; asKnown: boolean }[];
/** Look-ups of these names never end. */
let silent: Set<string>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-functions-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  [host, clock, missing, lookups, silent] = [new Host(), new VirtualClock(), new Set(), [], new Set()];
});

function functions(): StoredFunctions {
  return new StoredFunctions(host, new FunctionStore(folder), {
    clock,
    note: () => {},
    resolve: async (spec: FunctionSpec, asKnown: boolean) => {
      lookups.push({ name: spec.name, asKnown });
      if (silent.has(spec.name)) await new Promise(() => {});
      if (missing.has(spec.name)) throw new InflessError('MODEL_NOT_FOUND', `no model for ${spec.name}`);
      return { spec } as Deployment;
    },
  });
}

async function at(nowMs: number): Promise<void> {
  clock.runUntil(nowMs);
  await settled();
}

const named = (name: string, slo = '1s') => ({ name, model: 'mnist', slo });

async function stored(): Promise<string[]> {
  const { functions } = JSON.parse(await readFile(join(folder, 'functions.json'), 'utf8'));
  return (functions as { declaration: { name: string } }[]).map(({ declaration }) => declaration.name).sort();
}

describe('what cannot be written', () => {
  /** As on a full disk: no file can be made below a file. */
  async function fullDisk(): Promise<void> {
    await rm(folder, { recursive: true });
    await writeFile(folder, '');
  }

  it('is not declared: nothing has changed', async () => {
    const registry = functions();
    await registry.open(undefined);
    await registry.declare(named('a'));
    await fullDisk();
    await expect(registry.declare(named('b'))).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    await expect(registry.declare(named('a', '2s'))).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    expect(host.functions.map(({ declaration }) => declaration)).toEqual([named('a')]);
  });

  it('is not removed', async () => {
    const registry = functions();
    await registry.open(undefined);
    await registry.declare(named('a'));
    await fullDisk();
    await expect(registry.remove('a')).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    expect(host.names).toEqual(['a']);
  });

  it('keeps no function of the file from running', async () => {
    const notes: string[] = [];
    const store = new FunctionStore(join(folder, 'is-a-file', 'state'));
    await writeFile(join(folder, 'is-a-file'), '');
    store.load = async () => [];
    const registry = new StoredFunctions(host, store, {
      clock,
      note: (text) => notes.push(text),
      resolve: async (spec) => ({ spec }) as Deployment,
    });
    await registry.open([named('a')]);
    expect(host.names).toEqual(['a']);
    expect(notes).toEqual([expect.stringMatching(/cannot be written/)]);
    await registry.close();
  });
});

describe('a function that cannot be deployed', () => {
  it('is declared with its reason and stays stored; the others run', async () => {
    missing.add('b');
    const registry = functions();
    await registry.open([named('a'), named('b'), named('c')]);
    expect(host.names).toEqual(['a', 'c']);
    expect(registry.broken).toMatchObject([{ name: 'b', reason: 'no model for b.' }]);
    expect(await stored()).toEqual(['a', 'b', 'c']);
  });

  it('may have a field of a newer version, which is kept', async () => {
    const declaration = { ...named('b'), invented: { later: true } };
    const state = { schema: 'infless.io/functions/v1', functions: [{ origin: 'rest', declaration }] };
    await writeFile(join(folder, 'functions.json'), JSON.stringify(state));
    const registry = functions();
    await registry.open(undefined);
    expect(registry.broken).toMatchObject([{ name: 'b', reason: expect.stringMatching(/invented/) }]);
    await registry.declare(named('a'));
    const { functions: kept } = JSON.parse(await readFile(join(folder, 'functions.json'), 'utf8'));
    expect(kept).toContainEqual(expect.objectContaining({ declaration }));
  });

  it('is tried again, further and further apart, and then with a look-up', async () => {
    missing.add('b');
    const registry = functions();
    await registry.open([named('b')]);
    await at(5_000);
    missing.delete('b');
    lookups.length = 0;
    await at(14_999);
    expect(host.names).toEqual([]);
    await at(15_000);
    expect(host.names).toEqual(['b']);
    expect(registry.broken).toEqual([]);
    expect(lookups).toEqual([{ name: 'b', asKnown: false }]);
    await registry.close();
  });
});

describe('a look-up that never ends', () => {
  it('holds up no other declaration, and no end', async () => {
    silent.add('a');
    const registry = functions();
    await registry.open(undefined);
    void registry.declare(named('a'));
    expect((await registry.declare(named('b'))).name).toBe('b');
    await registry.close();
  });

  it('is not made for what is known at a start, side by side', async () => {
    const registry = functions();
    await registry.open(undefined);
    await registry.declare(named('a'));
    await registry.declare(named('b'));
    await registry.close();
    lookups.length = 0;
    host = new Host();
    await functions().open(undefined);
    expect(lookups).toEqual([
      { name: 'a', asKnown: true },
      { name: 'b', asKnown: true },
    ]);
    expect(host.names).toEqual(['a', 'b']);
  });
});

it('the last declaration of a name holds, and all that were answered are stored', async () => {
  const registry = functions();
  await registry.open(undefined);
  await Promise.all([
    registry.declare(named('a')),
    registry.declare(named('b')),
    registry.declare(named('a', '3s')),
    registry.declare(named('c')).then(() => registry.remove('b')),
  ]);
  expect(host.names).toEqual(await stored());
  expect(host.find('a')?.declaration).toEqual(named('a', '3s'));
});

it('what is stored is for its owner only', async () => {
  const registry = functions();
  await registry.open(undefined);
  await registry.declare(named('a'));
  expect((await stat(join(folder, 'functions.json'))).mode & 0o777).toBe(0o600);
});

it('what is not feasible is refused before anything is written', async () => {
  const registry = functions();
  await registry.open(undefined);
  await expect(registry.declare(named('a', '1ms'))).rejects.toMatchObject({ code: 'SLO_INFEASIBLE' });
  expect(await stored()).toEqual([]);
});
