import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type ErrorCode, EXIT_DEFECT, EXIT_INTERRUPTED, InflessError } from '../../../models/base/errors.ts';
import { packageRoot } from '../../../models/base/package.ts';
import { firstColumnOf, readPage } from '../pages.ts';

const page = readPage('docs/reference/errors.md');

it('the page has every code, with its status and exit code', () => {
  const source = readFileSync(join(packageRoot, 'models/base/errors.ts'), 'utf8');
  const codes = [...source.matchAll(/^ {2}([A-Z_]+): \{ status/gm)].map(([, code]) => code as ErrorCode);
  expect(codes.length).toBeGreaterThan(20);
  expect(firstColumnOf(page)).toEqual(codes);
  for (const code of codes) {
    const { status, exitCode } = new InflessError(code, 'what');
    expect(page).toContain(`| \`${code}\` | ${status} | ${exitCode} |`);
  }
});

it('the page has the exit codes that no error has', () => {
  for (const exitCode of [EXIT_DEFECT, EXIT_INTERRUPTED]) expect(page).toContain(`| ${exitCode} |`);
});
