import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../models/base/package.ts';

/** Which rooms a room may import beside itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  models: [],
  profiles: ['models'],
  profiler: ['models', 'profiles'],
  packager: ['models', 'profiles'],
  autoscaler: ['models', 'profiles', 'profiler', 'packager'],
  prove: ['models', 'profiles', 'profiler', 'packager', 'autoscaler'],
};

/** Parts of a room that all others of it stand on, so that they may use none of them. */
const BASES: Readonly<Record<string, readonly string[]>> = {
  'autoscaler/kubernetes': ['models', 'profiles'],
};

/** Decisions: the same input gives the same answer, in production, in a forecast and in a simulation. */
const PURE = ['models/batching', 'autoscaler/plan', 'autoscaler/coldstart'];
const IMPURE =
  /\bDate\.now\(|\bnew Date\(\)|performance\.now\(|\bset(?:Timeout|Interval|Immediate)\(|Math\.random\(|from 'node:|systemClock/;

interface Source {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const sources: readonly Source[] = Object.keys(MAY_IMPORT).flatMap((room) => sourcesIn(room));

function sourcesIn(folder: string): Source[] {
  return readdirSync(join(packageRoot, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return sourcesIn(path);
    return entry.name.endsWith('.ts') ? [read(path)] : [];
  });
}

function read(path: string): Source {
  const text = readFileSync(join(packageRoot, path), 'utf8');
  const specifiers = [...text.matchAll(/(?:from|import)\s+'(\.[^']+)'/g)].map((match) => match[1]!);
  const imports = specifiers.map((specifier) =>
    relative(packageRoot, join(packageRoot, dirname(path), specifier)),
  );
  return { path, text, imports };
}

function roomOf(path: string): string {
  return path.split('/', 1)[0]!;
}

describe('the house', () => {
  it('has code in every room', () => {
    expect(new Set(sources.map(({ path }) => roomOf(path)))).toEqual(new Set(Object.keys(MAY_IMPORT)));
    expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(200);
  });

  it('has no arrow that runs up', () => {
    const upward = sources.flatMap(({ path, imports }) =>
      imports
        .filter(
          (target) => roomOf(target) !== roomOf(path) && !MAY_IMPORT[roomOf(path)]!.includes(roomOf(target)),
        )
        .map((target) => `${path} → ${target}`),
    );
    expect(upward).toEqual([]);
  });

  it.each(Object.entries(BASES))('keeps %s below the rest of its room', (folder, others) => {
    const inside = sources.filter(({ path }) => path.startsWith(`${folder}/`));
    const upward = inside.flatMap(({ path, imports }) =>
      imports
        .filter((target) => !target.startsWith(`${folder}/`) && !others.includes(roomOf(target)))
        .map((target) => `${path} → ${target}`),
    );
    expect(inside.length).toBeGreaterThan(0);
    expect(upward).toEqual([]);
  });

  it('has no circle', () => {
    const importsOf = new Map(sources.map(({ path, imports }) => [path, imports]));
    const done = new Set<string>();
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path))
        expect.fail(`circle: ${[...trail.slice(trail.indexOf(path)), path].join(' → ')}`);
      if (done.has(path)) return;
      for (const target of importsOf.get(path) ?? []) visit(target, [...trail, path]);
      done.add(path);
    };
    for (const { path } of sources) visit(path, []);
  });

  it('decides without looking at clocks, files or dice', () => {
    const impure = sources.filter(
      ({ path, text }) => PURE.some((folder) => path.startsWith(`${folder}/`)) && IMPURE.test(text),
    );
    expect(impure.map(({ path }) => path)).toEqual([]);
  });
});
