import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { packageRoot } from '../../models/base/package.ts';

/** A TypeScript file of the project, by its path from the root. */
export interface Source {
  readonly path: string;
  readonly text: string;
  /** Files of the project that it imports, types included. */
  readonly imports: readonly string[];
}

/** One import of `to` by `from`, or of something below them where they are folders. */
export interface Arrow {
  readonly from: string;
  readonly to: string;
}

/** Every TypeScript file below a folder. */
export function sourcesIn(folder: string): Source[] {
  return readdirSync(join(packageRoot, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return sourcesIn(path);
    return entry.name.endsWith('.ts') ? [readSource(path)] : [];
  });
}

function readSource(path: string): Source {
  const text = readFileSync(join(packageRoot, path), 'utf8');
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) => match[1]!);
  const imports = specifiers.map((specifier) =>
    relative(packageRoot, join(packageRoot, dirname(path), specifier)),
  );
  return { path, text, imports: [...new Set(imports)] };
}

/** The arrows between the direct children (files and folders) of every folder, the root's included. */
export function siblingArrows(sources: readonly Source[]): Map<string, Arrow[]> {
  const seen = new Set<string>();
  const byFolder = new Map<string, Arrow[]>();
  for (const { path, imports } of sources) {
    for (const target of imports) {
      const { folder, from, to } = whereTheyPart(path, target);
      const key = `${from} ${to}`;
      if (from === to || seen.has(key)) continue;
      seen.add(key);
      byFolder.set(folder, [...(byFolder.get(folder) ?? []), { from, to }]);
    }
  }
  return byFolder;
}

/** The folder that holds both, and the child of it that each of them is or lies in. */
function whereTheyPart(a: string, b: string): { folder: string; from: string; to: string } {
  const [left, right] = [a.split('/'), b.split('/')];
  let shared = 0;
  while (shared < left.length - 1 && left[shared] === right[shared]) shared += 1;
  return {
    folder: left.slice(0, shared).join('/'),
    from: left.slice(0, shared + 1).join('/'),
    to: right.slice(0, shared + 1).join('/'),
  };
}

/** The arrows that lie on a circle. */
export function circular(arrows: readonly Arrow[]): Arrow[] {
  const next = new Map<string, string[]>();
  for (const { from, to } of arrows) next.set(from, [...(next.get(from) ?? []), to]);
  return arrows.filter(({ from, to }) => reaches(next, to, from));
}

function reaches(next: ReadonlyMap<string, readonly string[]>, start: string, goal: string): boolean {
  const seen = new Set<string>();
  const open = [start];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at === goal) return true;
    if (seen.has(at)) continue;
    seen.add(at);
    open.push(...(next.get(at) ?? []));
  }
  return false;
}
