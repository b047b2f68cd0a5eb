import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../models/base/package.ts';

const FIXTURES = join(packageRoot, 'test/profiles/fixtures/nvidia-smi');

describe('outputs of nvidia-smi', () => {
  it('are there in every form, of many drivers', () => {
    const outputs = readdirSync(FIXTURES).filter((name) => name !== 'README.md');
    expect(outputs.length).toBeGreaterThanOrEqual(20);
    const series = new Set(outputs.map((name) => /-(\d{3})\./.exec(name)?.[1]).filter(Boolean));
    expect(series.size).toBeGreaterThanOrEqual(6);
  });

  it('have their sources named', () => {
    const readme = readFileSync(join(FIXTURES, 'README.md'), 'utf8');
    for (const name of readdirSync(FIXTURES))
      if (name !== 'README.md') expect(readme).toContain(`\`${name}\``);
  });
});
