import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExplanationReport } from '../../../autoscaler/planning/explain/explanation-report.ts';
import type { WhatIfReport } from '../../../autoscaler/what-if/report/report.ts';
import { chromiumFile, NO_BROWSER, openBrowser } from '../../support/browser.ts';
import { ProgramRun } from '../../support/program-run.ts';
import { type WhatIfFiles, whatIfFiles } from '../../support/what-if-files.ts';

let files: WhatIfFiles;
beforeAll(async () => {
  files = await whatIfFiles();
  await files.write('no-nodes.yaml', 'nodes: []\n');
  await files.write('text.txt', '5\nmany\n');
  await files.write('no-table.yaml', 'functions: [{name: pictures, model: not-at-hand.onnx, slo: 200ms}]\n');
  await files.write(
    'fast.yaml',
    'functions: [{name: pictures, model: m.onnx, slo: 5ms, profile: table.json}]\n',
  );
});
afterAll(() => rm(files.folder, { recursive: true }));

function run(...args: string[]): ProgramRun {
  return new ProgramRun('autoscaler/bin', args);
}

function plan(...args: string[]): ProgramRun {
  return run('plan', '-f', files.functions, '-c', files.cluster, '--policies', 'default', ...args);
}

const at = (name: string): string => join(files.folder, name);

describe('infless-autoscaler plan', () => {
  it('writes text to standard output, JSON and a page to files, and exits 0 when the SLO is kept', async () => {
    const [json, html] = [at('plan.json'), at('plan.html')];
    const planning = plan('--rate', '50', '--duration', '20s', '--json', json, '--html', html);
    expect(await planning.exited()).toBe(0);
    expect(planning.stdout).toContain('SLO KEPT by policy default');
    expect(planning.stderr).not.toMatch(/error|warn/i); // a slow machine is told how far it is
    const report = JSON.parse(await readFile(json, 'utf8')) as WhatIfReport;
    expect(report).toMatchObject({ schema: 'infless.io/what-if/v1', verdict: { met: true } });
    expect(await readFile(html, 'utf8')).toContain('What if: 1 function on 2 nodes');
  });

  it('exits 1 when the SLO is missed, with JSON alone on standard output where asked for', async () => {
    const planning = plan('--rate', '5000', '--duration', '5s', '--warm-up', '0s', '--json');
    expect(await planning.exited()).toBe(1);
    expect((JSON.parse(planning.stdout) as WhatIfReport).verdict).toEqual({ policy: 'default', met: false });
  });

  it('exits 1 for an impossible SLO, with the nearest possible one and what SLOs cost', async () => {
    const planning = run('plan', '-f', at('fast.yaml'), '-c', files.cluster, '--rate', '5');
    expect(await planning.exited()).toBe(1);
    expect(planning.stdout).toMatch(/The nearest feasible SLO is \d+ms\. What an SLO costs, .*:\n┌/);
  });

  it('tells how far it is, and on Ctrl-C what there is by then', async () => {
    const planning = plan('--rate', '50', '--duration', '48h');
    while (planning.stderr === '') await sleep(20);
    expect(planning.stderr).toMatch(/^default: .+ of 48 h 01 min; \d+ % of all, about .+ left\n$/);
    planning.child.kill('SIGINT');
    expect(await planning.exited()).toBe(130);
    expect(planning.stdout).toMatch(/SLO KEPT by policy default in the first .+ \(interrupted\)/);
    expect(planning.stdout).toContain('yes (interrupted)');
  });

  it('compares a policy of the user’s, and leaves out one that fails, with a note', async () => {
    await files.write('lazy.mjs', 'console.log("hello"); export const planner = () => ({ actions: [] });');
    await files.write('broken.mjs', 'export const planner = () => luck;');
    const policies = `default,${at('lazy.mjs')},${at('broken.mjs')}`;
    const planning = plan('--rate', '20', '--duration', '10s', '--policies', policies, '--json');
    expect(await planning.exited()).toBe(0);
    const report = JSON.parse(planning.stdout) as WhatIfReport;
    expect(Object.keys(report.policies)).toEqual(['default', 'lazy']);
    expect(report.policies.lazy!.inTimeShare).toBe(0);
    expect(report.notes.join()).toMatch(/broken\.mjs is left out: its planner failed: luck is not defined/);
    expect(planning.stderr).toContain('hello');
  });

  it.each([
    [
      ['--policies', 'default,./none.mjs'],
      /^error: Policy file \.\/none\.mjs does not exist\. Check the path\./,
    ],
    [['-f', 'none.yaml'], /^error: Functions file none\.yaml cannot be read \(ENOENT\)\./],
    [['-c', 'none.yaml'], /^error: Cluster file none\.yaml does not exist\. Check the path\./],
    [
      ['-c', 'no-nodes.yaml'],
      /^error: Cluster file .*no-nodes\.yaml is not valid at "nodes": must name one node/,
    ],
    [
      ['-f', 'no-table.yaml'],
      /^error: Function "pictures" names no profile table, nor is its model at hand\. Give one/,
    ],
    [['--trace', 'text.txt'], /^error: Rate trace .*text\.txt, line 2: "many" is not a rate\./],
    [['--policies', 'default,luck'], /^error: There is no policy "luck"\. There are: default, infless/],
    [['--arrivals', 'gamma'], /^error: Gamma arrivals need a coefficient of variation/],
    [['--noise', 'much'], /^error: --noise "much" is not a coefficient of variation/],
    [['--warm-up', '5'], /^error: --warm-up "5" is not a duration/],
    [['--seed', 'x'], /^error: --seed "x" is not a whole number/],
  ])('%j exits 2 with one sentence', async (args, message) => {
    const [option, value] = args as [string, string];
    const known = ['no-nodes.yaml', 'no-table.yaml', 'text.txt'].includes(value) ? at(value) : value;
    const load = option === '--trace' ? [] : ['--rate', '5'];
    const planning = plan(...load, option, known);
    expect(await planning.exited()).toBe(2);
    expect(planning.stderr).toMatch(message);
    expect(planning.stderr.trimEnd()).not.toContain('\n');
  });

  it('asks for what it cannot do without', async () => {
    const planning = run('plan', '--rate', '5');
    expect(await planning.exited()).toBe(2);
    expect(planning.stderr).toContain('infless-autoscaler plan needs -f, --functions <file>');
  });
});

describe('infless-autoscaler explain', () => {
  const explain = (...args: string[]): ProgramRun =>
    run('explain', 'pictures', '-f', files.functions, ...args);

  it('explains by the table alone', async () => {
    const explaining = explain('--rate', '300');
    expect(await explaining.exited()).toBe(0);
    for (const label of ['demand', 'binding', 'chosen', 'predicted: p99', 'runner-up', 'looser SLO']) {
      expect(explaining.stdout).toContain(label);
    }
    expect(explaining.stdout).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('takes the limits of a cluster into account, and writes JSON', async () => {
    const explaining = explain('--rate', '9000', '-c', files.cluster, '--json');
    expect(await explaining.exited()).toBe(0);
    const report = JSON.parse(explaining.stdout) as ExplanationReport;
    expect(report).toMatchObject({ name: 'pictures', constraint: 'cluster-cpu', running: null });
    expect(report.missingPerSecond).toBeGreaterThan(0);
  });

  it.each([
    [
      ['explain', 'cats', '-f', 'FUNCTIONS', '--rate', '5'],
      2,
      /declares no function "cats"\. It declares: pictures\./,
    ],
    [
      ['explain', 'pictures', '-f', 'FUNCTIONS'],
      2,
      /Without a running autoscaler the rate is not known\. Give it/,
    ],
    [['explain', 'pictures', '-f', 'FUNCTIONS', '--rate', '0'], 2, /--rate must be above 0/],
    [
      ['explain', 'pictures', '--url', 'http://127.0.0.1:1'],
      3,
      /No autoscaler answers at http:\/\/127\.0\.0\.1:1 \(/,
    ],
    [['explain', 'pictures', '--url', 'here'], 2, /--url "here" is not a URL/],
  ])('%j exits %i', async (args, code, message) => {
    const explaining = run(...args.map((arg) => (arg === 'FUNCTIONS' ? files.functions : arg)));
    expect(await explaining.exited()).toBe(code);
    expect(explaining.stderr).toMatch(message);
  });

  it('exits 1 for an impossible SLO, with the nearest possible one', async () => {
    const explaining = run('explain', 'pictures', '-f', at('fast.yaml'), '--rate', '5');
    expect(await explaining.exited()).toBe(1);
    expect(explaining.stderr).toMatch(/The nearest feasible SLO is \d+ms\./);
  });
});

// Tried again because a renderer may be the first that a machine short of memory ends.
it('draws its page in a browser that reaches no network', { retry: 2 }, async (context) => {
  if (chromiumFile === undefined) context.skip(NO_BROWSER);
  const html = at('drawn.html');
  expect(await plan('--rate', '50', '--duration', '20s', '--html', html).exited()).toBe(0);
  const titles = [
    'Requests',
    'Resources held',
    'SLO violations',
    'CPU held',
    'Nodes in use',
    'pictures',
    'pictures',
  ];
  const browser = await openBrowser();
  try {
    const page = await browser.newPage();
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(html).href);
    await page.waitForFunction(`document.querySelectorAll('canvas').length === ${titles.length}`);
    expect(requests).toEqual([pathToFileURL(html).href]);
    const captions = await page.locator('figcaption').allTextContents();
    expect(captions.map((text) => text.split(' ')[0])).toEqual(titles.map((text) => text.split(' ')[0]));
  } finally {
    await browser.close();
  }
});
