import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { optionsPage } from '../../../autoscaler/infless/options-page.ts';
import { packageRoot } from '../../../models/base/package.ts';
import { sourcesIn } from '../../architecture/sources.ts';

/** Set by us for processes of ours: no one else does. */
const INTERNAL = ['INFLESS_HELD', 'INFLESS_REPLAY', 'INFLESS_REPLAY_ENGINE', 'INFLESS_PROOF'];

describe('docs/options.md', async () => {
  const page = await optionsPage();

  it('is what the tables say: npm run write:options', async () => {
    expect(await readFile(join(packageRoot, 'docs', 'options.md'), 'utf8')).toBe(page);
  });

  it('names every variable of ours that the code reads', () => {
    const sources = ['models', 'profiles', 'profiler', 'packager', 'autoscaler'].flatMap(sourcesIn);
    const names = sources.flatMap(({ text }) => text.match(/\bINFLESS_[A-Z]+(?:_[A-Z]+)*\b/g) ?? []);
    const missing = [...new Set(names)].filter(
      (name) => !INTERNAL.some((ours) => name.startsWith(ours)) && !page.includes(`\`${name}\``),
    );
    expect(names.length).toBeGreaterThan(20);
    expect(missing).toEqual([]);
  });

  it('has tables of as many cells a line as columns', () => {
    const tables = page.split('\n\n').filter((block) => block.startsWith('|'));
    expect(tables.length).toBeGreaterThan(25);
    for (const table of tables) {
      const counts = table
        .trim()
        .split('\n')
        .map((line) => line.replaceAll('\\|', '').split('|').length);
      expect(new Set(counts).size, table).toBe(1);
    }
  });
});
