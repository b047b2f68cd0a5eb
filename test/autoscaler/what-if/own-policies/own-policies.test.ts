import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemByName } from '../../../../autoscaler/simulation/systems/systems.ts';
import { readCluster } from '../../../../autoscaler/what-if/inputs/cluster-file.ts';
import { readPlannedFunctions } from '../../../../autoscaler/what-if/inputs/functions.ts';
import { readLoads } from '../../../../autoscaler/what-if/inputs/load-options.ts';
import { isPolicyFile, policyFile } from '../../../../autoscaler/what-if/own-policies/own-policy.ts';
import { runOwnPolicy } from '../../../../autoscaler/what-if/own-policies/run-own-policy.ts';
import type { PolicyReport } from '../../../../autoscaler/what-if/report/report.ts';
import type { PolicyRun } from '../../../../autoscaler/what-if/run-policy.ts';
import { type WhatIfRequest, whatIf } from '../../../../autoscaler/what-if/what-if.ts';
import { packageRoot } from '../../../../models/base/package.ts';
import { type WhatIfFiles, whatIfFiles } from '../../../support/what-if-files.ts';

let files: WhatIfFiles;
let folder: string;
let run: PolicyRun;
beforeAll(async () => {
  files = await whatIfFiles();
  folder = await mkdtemp(join(tmpdir(), 'infless-own-policies-'));
  const functions = await readPlannedFunctions(files.functions);
  run = {
    functions,
    cluster: await readCluster(files.cluster),
    loads: await readLoads(
      functions.map(({ spec }) => spec.name),
      {
        rate: ['20'],
        ramp: [],
        trace: [],
        azure: [],
        'from-journal': [],
        duration: 20_000,
        interval: 1000,
        column: '1',
        traceFormat: undefined,
        scale: 1,
      },
    ),
    process: { type: 'poisson' },
    warmUpMs: 10_000,
    seed: 1,
    executionNoiseCv: 0,
  };
});
afterAll(async () => {
  await rm(files.folder, { recursive: true });
  await rm(folder, { recursive: true });
});

/** Writes a policy to a file of its own. */
async function own(name: string, code: string) {
  const file = join(folder, `${name}.mjs`);
  await writeFile(file, code);
  return policyFile(file);
}

/** The examples of the documentation, by the file that their first line names. */
async function examples(): Promise<ReadonlyMap<string, string>> {
  const page = await readFile(join(packageRoot, 'docs/policies.md'), 'utf8');
  const blocks = [...page.matchAll(/```js\n\/\/ (\S+)\.mjs\n([^`]*(?:`[^`]+`[^`]*)*?)```/g)];
  return new Map(blocks.map(([, name, code]) => [name!, code!]));
}

async function runExample(name: string): Promise<PolicyReport> {
  const code = (await examples()).get(name)!;
  expect(code.trimEnd().split('\n').length).toBeLessThanOrEqual(60);
  return runOwnPolicy(await own(name, code), run);
}

function report(all: { readonly policies: Readonly<Record<string, PolicyReport>> }, name: string) {
  return all.policies[name]!;
}

describe('an example of the documentation', () => {
  it('is there for each kind', async () => {
    expect([...(await examples()).keys()]).toEqual(['planner', 'keep-alive', 'system']);
  });

  it.each(['planner', 'keep-alive', 'system'])('runs: %s', async (name) => {
    const result = await runExample(name);
    expect(result.description).toMatch(/\w{3}/);
    expect(result.inTimeShare).toBeGreaterThan(0.9);
    expect(result.inTimeShare).toBeLessThanOrEqual(1);
  });
});

describe('a policy of the user’s', () => {
  it('gives the same result again, and without changing anything that of our own', async () => {
    const nothing = `export const planner = undefined; export const description = 'ours';
      export function keepAlive({ keepAliveMs }) { return { idleBegan: () => ({ prewarmMs: 0, keepAliveMs }), idleEnded() {} }; }`;
    const mine = await own('mine', nothing);
    const first = await runOwnPolicy(mine, run);
    expect(await runOwnPolicy(mine, run)).toEqual(first);
    const all = await whatIf({ ...run, policies: [systemByName('default'), mine] });
    expect(report(all, 'mine').inTimeShare).toBe(report(all, 'default').inTimeShare);
  });

  it('tells how far it is, and ends early when it is asked to', async () => {
    const long = { ...run, loads: { ...run.loads, durationMs: 100 * 3_600_000 } };
    const mine = await own('long', 'export const planner = () => ({ actions: [] });');
    const ending = new AbortController();
    const seen: number[] = [];
    const result = await runOwnPolicy(mine, long, {
      signal: ending.signal,
      onProgress: (atMs) => {
        seen.push(atMs);
        ending.abort();
      },
    });
    expect(seen.length).toBeGreaterThan(0);
    expect(result.interrupted).toBe(true);
  });

  it.each([
    ['throws while it is loaded', 'throw new Error("no luck");', 'it cannot be loaded (no luck)'],
    ['is no JavaScript', 'export planner', /it cannot be loaded \(Unexpected/],
    ['exports nothing', 'export default 1;', 'it exports no function named planner, keepAlive or system'],
    [
      'exports two',
      'export const planner = () => 1; export const system = () => 1;',
      'it exports more than one of planner, keepAlive or system',
    ],
    ['throws', 'export const planner = () => luck;', 'its planner failed: luck is not defined'],
    [
      'decides nothing',
      'export const planner = () => 7;',
      'its planner failed: returned no { actions: […] }',
    ],
    [
      'starts on no node',
      `export const planner = ({ demands: [{ name, candidates }] }) =>
        ({ actions: [{ type: 'start', functionName: name, config: candidates[0].config, node: 'x' }] });`,
      'its planner failed: starts an instance on node "x", which is not there',
    ],
    [
      'stops what is not there',
      "export const planner = () => ({ actions: [{ type: 'stop', id: 'x' }] });",
      'its planner failed: stops instance "x", which is not there',
    ],
    [
      'keeps warm from now until before',
      'export const keepAlive = () => ({ idleBegan: () => ({ prewarmMs: 5, keepAliveMs: 1 }) });',
      /its idleBegan failed: returned .*, not \{ prewarmMs, keepAliveMs \} with/,
    ],
    [
      'is no system',
      'export const system = () => 1;',
      'its system returns no object with open() and submit()',
    ],
    ['ends its process', 'export const planner = () => process.exit(3);', 'it ended its thread'],
    [
      'throws where nobody waits for it',
      'export const planner = () => { Promise.reject(new Error("lost")); return { actions: [] }; };',
      'it failed: lost',
    ],
  ])('is left out with a sentence if it %s', async (what, code, reason) => {
    const mine = await own(what.replaceAll(' ', '-'), code);
    const idle = { ...run, loads: { ...run.loads, durationMs: 300_000 } };
    await expect(runOwnPolicy(mine, code.includes('keepAlive') ? onceOnly(idle) : idle)).rejects.toThrow(
      typeof reason === 'string' ? `policy ${mine.file} is left out: ${reason}` : reason,
    );
  });

  it.each([
    [
      'hangs in its planner',
      'export const planner = () => { for (;;); };',
      /stands still at .* for 1\.50? s|did not begin/,
    ],
    [
      'hangs while it is loaded',
      'await new Promise(() => setInterval(() => {}, 1000));',
      /it did not begin for 1\.50? s/,
    ],
    [
      'lets no time pass',
      `export function system({ clock }) {
        const again = () => clock.at(clock.nowMs(), again);
        return { open: async () => again(), submit: () => new Promise(() => {}) };
      }`,
      /stands still at .* for 1\.50? s|did not begin/,
    ],
  ])('is ended if it %s', async (what, code, reason) => {
    const mine = await own(what.replaceAll(' ', '-'), code);
    await expect(runOwnPolicy(mine, run, { stallMs: 1_500 })).rejects.toThrow(reason);
  });

  it('does the others no harm when it fails', async () => {
    const bad = await own('bad', 'export const planner = () => luck;');
    const request: WhatIfRequest = { ...run, policies: [bad, systemByName('infless')] };
    const all = await whatIf(request);
    expect(Object.keys(all.policies)).toEqual(['infless']);
    expect(all.notes).toContain(`policy ${bad.file} is left out: its planner failed: luck is not defined`);
    expect(all.verdict.policy).toBe('infless');
  });

  it.each([
    ['default', false],
    ['mine.mjs', true],
    ['./mine.js', true],
    ['policies/mine', true],
    ['infless', false],
  ])('is told from one of ours by its name: %s', (given, isFile) => {
    expect(isPolicyFile(given)).toBe(isFile);
  });
});

/** Two requests with a pause between them: idle times begin and end. */
function onceOnly(of: PolicyRun): PolicyRun {
  const [{ spec }] = of.functions as [PolicyRun['functions'][number]];
  const times = { type: 'times', timesMs: Float64Array.of(1_000, 120_000) } as const;
  return { ...of, loads: { ...of.loads, byFunction: new Map([[spec.name, times]]) } };
}
