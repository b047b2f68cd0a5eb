import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../../models/base/package.ts';
import { ENGINES } from '../../../models/engines/index.ts';

/** Packages that the engine of a format imports or resolves: not their types, which are gone when compiled. */
function importedBy(folder: string): Set<string> {
  const root = join(packageRoot, 'dist/models/engines', folder);
  const texts = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .map((name) => readFileSync(join(root, name), 'utf8'));
  const names = texts.flatMap((text) =>
    [...text.matchAll(/import\('([^.'][^']*)'\)|from '((?!node:)[^.'][^']*)'/g)].map(
      (match) => match[1] ?? match[2]!,
    ),
  );
  return new Set(names);
}

it.each(ENGINES)('the runtime of $format is what its engine imports', ({ format, runtime }) => {
  const { packages } = runtime;
  const imported = [...importedBy(format)].filter((name) => /tensor|onnxruntime/.test(name));
  expect(imported.sort()).toEqual([...packages].sort());
});

it.each(ENGINES.flatMap(({ runtime }) => runtime.files))('%s is installed', (file) => {
  expect(existsSync(join(packageRoot, 'node_modules', file))).toBe(true);
});
