import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cell, table } from '../../profiles/sample-table.ts';
import { type Finished, ProfileProcess } from '../end-to-end/run-profile.ts';

let directory: string;
const at = (name: string): string => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'infless-report-'));
  await writeFile(at('table.json'), JSON.stringify(table([cell(1, 500, 20), cell(4, 1000, 30)])));
});
afterAll(() => rm(directory, { recursive: true }));

function profile(...args: string[]): Promise<Finished> {
  return new ProfileProcess(directory, ...args).finished();
}

describe('infless-profile report', () => {
  it('writes a page', async () => {
    const { code, stdout, stderr } = await profile('report', at('table.json'), '-o', at('deep/page.html'));
    expect(stderr).toBe(`Report saved as ${at('deep/page.html')}\n`);
    expect(stdout).toBe('');
    expect(code).toBe(0);
    expect(await readFile(at('deep/page.html'), 'utf8')).toContain('<title>Profile of sample</title>');
  });

  it.each([
    [['report', '-o', 'OUT'], /error: infless-profile report needs <table>: a profile table/],
    [['report', 'TABLE'], /error: infless-profile report needs -o, --output <file>: the page/],
    [['report', 'none.json', '-o', 'OUT'], /error: Profile table none\.json does not exist\. Check the path/],
    [['report', 'TABLE', '-o', 'OUT', '--slo', '50'], /--slo "50" is not a duration/],
  ])('%j is told in a sentence, exit code 2', async (args, sentence) => {
    const paths: Readonly<Record<string, string>> = { TABLE: at('table.json'), OUT: at('out.html') };
    const { code, stderr } = await profile(...args.map((arg) => paths[arg] ?? arg));
    expect(stderr).toMatch(sentence);
    expect(code).toBe(2);
  });
});

describe('infless-profile --report', () => {
  it('writes the page of what was just measured', async () => {
    const grid = ['--batches', '1', '--cpus', '1', '--cell-time', '60ms', '--error', '20%'];
    const { code, stderr } = await profile('mnist', ...grid, '--report', at('fresh.html'), '--slo', '5s');
    expect(stderr).toContain(`Report saved as ${at('fresh.html')}`);
    expect(code).toBe(0);
    const page = await readFile(at('fresh.html'), 'utf8');
    expect(page).toContain('<title>Profile of mnist</title>');
    expect(page).toContain('"slo":{"sloMs":5000,"percentile":99}');
  });
});
