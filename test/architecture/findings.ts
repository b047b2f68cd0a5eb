import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { packageRoot } from '../../models/base/package.ts';
import { formats } from '../../models/engines/index.ts';
import { fileIndexErrors } from './file-index.ts';
import { GUESTS, MAY_IMPORT, PRIVATE, PURE } from './import-rules.ts';
import { type Arrow, circular, type Source, siblingArrows } from './sources.ts';

/** Where the layout does not keep its rules. */
export interface Findings {
  /** Folders that a rule names, without code. */
  readonly emptyFolders: readonly string[];
  /** Arrows that lie on a circle of files or folders, at any level. */
  readonly circles: readonly string[];
  /** Arrows between neighbours that {@link MAY_IMPORT} does not allow. */
  readonly forbiddenArrows: readonly string[];
  /** Imports out of a private folder from elsewhere than beside it. */
  readonly trespassing: readonly string[];
  /** Files beside the engines that name a model's format: what depends on it is asked of the engine. */
  readonly formatsNamed: readonly string[];
  /** Decisions that look at clocks, files or dice. */
  readonly impure: readonly string[];
  /** Folders of more than 14 files of their own: two subjects. */
  readonly largeFolders: readonly string[];
  /** How many folders have 13 or 14. */
  readonly crowdedFolders: number;
  /** How many files have under 25 lines, and may say nothing alone. */
  readonly smallFiles: number;
  /** Comments that go on behind column 110. */
  readonly longComments: readonly string[];
  /** Tests that are about no file or folder. */
  readonly lostTests: readonly string[];
  /** Files that docs/architecture.md does not explain, and files that it explains and that are no more. */
  readonly fileIndex: readonly string[];
}

const IMPURE =
  /\bDate\.now\(|\bnew Date\(\)|performance\.now\(|\bset(?:Timeout|Interval|Immediate)\(|Math\.random\(|from 'node:|systemClock/;
const FORMAT_NAMED = new RegExp(`'(?:${formats().join('|')})'`);
const MOST_FILES = 14;
const MANY_FILES = 12;
const SMALL_LINES = 25;
const COMMENT_COLUMNS = 110;

/** Holds the sources, and the tests beside them, to the rules. */
export function findingsOf(sources: readonly Source[], tests: readonly Source[]): Findings {
  const arrows = siblingArrows(sources);
  const sizes = fileCounts(sources);
  return {
    emptyFolders: emptyFolders(sources),
    circles: [...arrows.values()].flatMap(circular).map(toText).sort(),
    forbiddenArrows: forbiddenArrows(arrows),
    trespassing: trespassing(sources),
    formatsNamed: sources
      .filter(({ path, text }) => !isIn(path, 'models/engines') && FORMAT_NAMED.test(text))
      .map(({ path }) => path),
    impure: sources
      .filter(({ path, text }) => PURE.some((folder) => isIn(path, folder)) && IMPURE.test(text))
      .map(({ path }) => path),
    largeFolders: [...sizes.keys()].filter((folder) => sizes.get(folder)! > MOST_FILES).sort(),
    crowdedFolders: [...sizes.values()].filter((size) => size > MANY_FILES && size <= MOST_FILES).length,
    smallFiles: sources.filter(({ text }) => text.split('\n').length - 1 < SMALL_LINES).length,
    longComments: [...sources, ...tests].flatMap(longComments),
    lostTests: tests
      .map(({ path }) => path)
      .filter((path) => path.endsWith('.test.ts') && !hasSubject(path))
      .sort(),
    fileIndex: fileIndexErrors(sources),
  };
}

function longComments({ path, text }: Source): string[] {
  return text.split('\n').flatMap((line, index) => {
    const isComment = /^\s*(?:\*|\/\*|\/\/)|\s\/\/\s/.test(line) && !line.includes('biome-ignore');
    return isComment && line.length > COMMENT_COLUMNS ? [`${path}:${index + 1}`] : [];
  });
}

function toText({ from, to }: Arrow): string {
  return `${from} → ${to}`;
}

function isIn(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`);
}

function emptyFolders(sources: readonly Source[]): string[] {
  const ruled = Object.entries(MAY_IMPORT).flatMap(([parent, folders]) =>
    Object.keys(folders).map((folder) => join(parent, folder)),
  );
  const named = new Set([...ruled, ...PRIVATE, ...PURE]);
  return [...named].filter((folder) => !sources.some(({ path }) => isIn(path, folder))).sort();
}

function forbiddenArrows(arrows: ReadonlyMap<string, readonly Arrow[]>): string[] {
  const forbidden = Object.entries(MAY_IMPORT).flatMap(([parent, folders]) => {
    const rules = new Map(
      Object.entries(folders).map(([folder, allowed]) => [
        join(parent, folder),
        allowed.map((other) => join(parent, other)),
      ]),
    );
    return (arrows.get(parent) ?? []).filter(
      ({ from, to }) => rules.has(from) && rules.has(to) && !rules.get(from)!.includes(to),
    );
  });
  return forbidden.map(toText).sort();
}

function trespassing(sources: readonly Source[]): string[] {
  return sources
    .flatMap(({ path, imports }) =>
      imports
        .filter((target) => PRIVATE.some((folder) => isIn(target, folder) && !mayEnter(path, folder)))
        .map((to) => toText({ from: path, to })),
    )
    .sort();
}

/** Whether a file lies beside a private folder, or is a guest there. */
function mayEnter(path: string, folder: string): boolean {
  return [dirname(folder), ...(GUESTS[folder] ?? [])].some((allowed) => isIn(path, allowed));
}

function fileCounts(sources: readonly Source[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { path } of sources) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
  return counts;
}

/** Tests of the project as a whole, and those that start our programs. */
const OF_THE_WHOLE =
  /^test\/(?:architecture|package)\.test\.ts$|^test\/(?:support|cluster|architecture)\/|\/end-to-end\//;

/**
 * `test/a/b/c.TOPIC.test.ts` is about the file `a/b/c.ts` or the folder `a/b/c/`; `test/a/b/b.test.ts` about
 * the folder `a/b/`.
 */
function hasSubject(path: string): boolean {
  if (OF_THE_WHOLE.test(path)) return true;
  const [name] = basename(path).split('.');
  const folder = join(packageRoot, dirname(path).replace(/^test\/?/, ''));
  const subject = join(folder, name!);
  return (
    existsSync(`${subject}.ts`) ||
    existsSync(`${subject}.md`) ||
    existsSync(subject) ||
    (basename(folder) === name && existsSync(folder))
  );
}
