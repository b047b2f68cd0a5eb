import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packageRoot } from '../../../models/base/package.ts';

const run = promisify(execFile);

/** A project that has installed the packed tarball. */
let project: string;
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'infless-simulate-'));
  const options = { cwd: packageRoot };
  const packed = await run(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', project],
    options,
  );
  const [{ filename }] = JSON.parse(packed.stdout) as [{ readonly filename: string }];
  const installed = join(project, 'node_modules', 'infless');
  await mkdir(installed, { recursive: true });
  await run('tar', ['-xzf', join(project, filename), '-C', installed, '--strip-components=1']);
  // what npm would install beside it
  await symlink(join(packageRoot, 'node_modules'), join(installed, 'node_modules'));
}, 120_000);
afterAll(() => rm(project, { recursive: true }));

const PROGRAM = `
import { constantRate, importInflessText, node, type SimulationResult, simulate, simulatedFunction, systemByName } from 'infless/simulate';
import type { OwnPlanner } from 'infless/policies';

const [imported] = importInflessText('net 1 0 1 20\\nnet 1 0 4 50', { startupMs: 500 });
const planner: OwnPlanner = () => ({ actions: [] });
const result: SimulationResult = await simulate(
  {
    nodes: [node({ name: 'one', cores: 8 })],
    durationMs: 10_000,
    functions: [
      simulatedFunction({ name: 'net', model: 'net', slo: '200ms' }, imported!.table, { rate: constantRate(40, 10_000) }),
    ],
  },
  systemByName('default'),
);
console.log(result.requests > 300 && planner !== undefined);
`;

it('is typed, and runs, from the packed tarball', async () => {
  await writeFile(join(project, 'package.json'), '{"type": "module"}');
  await writeFile(join(project, 'mine.ts'), PROGRAM);
  const tsc = join(packageRoot, 'node_modules/.bin/tsc');
  const settings = [
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--strict',
    '--skipLibCheck',
    '--types',
    'node',
    '--typeRoots',
    join(packageRoot, 'node_modules/@types'),
  ];
  await run(tsc, [...settings, 'mine.ts'], { cwd: project });
  const { stdout } = await run('node', ['mine.js'], { cwd: project });
  expect(stdout).toBe('true\n');
}, 120_000);
