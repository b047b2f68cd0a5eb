import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../models/base/package.ts';
import { ENGINES, engineFor, engineOf, tryEngines } from '../../../models/engines/index.ts';

/**
 * Packages that the engine of a format imports or resolves: not their types, which are gone when compiled.
 */
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

it('each engine has a format of its own, and its models are no other’s', () => {
  expect(new Set(ENGINES.map(({ format }) => format)).size).toBe(ENGINES.length);
  for (const [path, format] of [
    ['a/net.onnx', 'onnx'],
    ['a/model.json', 'tfjs'],
  ] as const) {
    expect(ENGINES.filter((engine) => engine.recognizes(path))).toEqual([engineFor(format)]);
    expect(engineOf(path)).toBe(engineFor(format));
  }
});

describe('a provider of some engine', () => {
  const engine = (name: string, why?: string) => ({
    providerNames: async () => ['cpu', name],
    providers: async () => [{ name, ...(why === undefined ? {} : { unusable: { what: why, remedy: '' } }) }],
  });
  const lackOf = async (...engines: Parameters<typeof tryEngines>[2] & object) =>
    (await tryEngines('cuda', {}, engines)).unusable?.what;

  it('can be used where one engine can, and else lacks what the first one lacks', async () => {
    expect(await lackOf(engine('cuda', 'no library'), engine('cuda'))).toBeUndefined();
    expect(await lackOf(engine('webgpu'), engine('cuda', 'no library'), engine('cuda', 'old'))).toBe(
      'no library',
    );
  });

  it('cannot be used where none was built with it', async () => {
    expect(await lackOf(engine('webgpu'))).toBe(
      'No engine was built with the provider "cuda" for this system',
    );
  });
});
