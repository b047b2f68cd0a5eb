import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { packageRoot } from '../../models/base/package.ts';
import type { Source } from './sources.ts';

const PAGE = 'docs/architecture.md';
const HEADING = '## File by file';
const FOLDER = /^\*\*`([^`]+)`\*\*/;
/**
 * Names of files, without `.ts`, where a sentence of a line begins with them: `` `table`: … `` or `` `a`,
 * `b`: … ``.
 */
const ENTRY = /(?<=^- |\. )(?:`[\w.-]+`, )*`[\w.-]+`:/g;

/** The files that the page's section explains, by their paths; one twice where it stands there twice. */
export function explainedFiles(page: string): string[] {
  const begin = page.indexOf(`\n${HEADING}\n`) + 1;
  if (begin === 0) throw new Error(`${PAGE} has no section "${HEADING}".`);
  const end = page.indexOf('\n## ', begin);
  const files: string[] = [];
  let folder = '';
  for (const line of page.slice(begin, end < 0 ? undefined : end).split('\n')) {
    folder = FOLDER.exec(line)?.[1] ?? folder;
    if (!line.startsWith('- ')) continue;
    const names = (line.match(ENTRY) ?? []).flatMap((entry) => entry.match(/[\w.-]+(?=`)/g) ?? []);
    files.push(...names.map((name) => `${folder}/${name}.ts`));
  }
  return files;
}

/** Where the page and the sources differ: what a reader does not find there, and what is there no more. */
export function fileIndexErrors(sources: readonly Source[]): string[] {
  const explained = explainedFiles(readFileSync(join(packageRoot, PAGE), 'utf8'));
  const known = new Set(explained);
  const paths = new Set(sources.map(({ path }) => path));
  const missing = [...paths].filter((path) => !known.has(path));
  const gone = [...known].filter((path) => !paths.has(path));
  const doubled = [...known].filter((path) => explained.indexOf(path) !== explained.lastIndexOf(path));
  return [
    ...missing.map(
      (path) => `${PAGE}, "File by file": \`${nameOf(path)}\` is missing under ${dirname(path)}`,
    ),
    ...gone.map((path) => `${PAGE}, "File by file": \`${nameOf(path)}\` under ${dirname(path)} is no file`),
    ...doubled.map(
      (path) => `${PAGE}, "File by file": \`${nameOf(path)}\` stands twice under ${dirname(path)}`,
    ),
  ].sort();
}

function nameOf(path: string): string {
  return basename(path, '.ts');
}
