import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../models/base/package.ts';
import { sourcesIn } from '../architecture/sources.ts';
import { anchorsOf, pages, proseOf, readPage } from './pages.ts';

const ROOMS = ['models', 'profiles', 'profiler', 'packager', 'autoscaler', 'test'];
/** A path from the root, in code. */
const NAMED_SOURCE = new RegExp(`(?<![\\w./-])((?:${ROOMS.join('|')})/[\\w./-]*\\w)`, 'g');
/** A name that the reader fills in. */
const PLACEHOLDER = /\b(?:NAME|ROOM|FOLDER)\b|\/a\/b\//;

it.each(pages())('%s links to what is there', (path) => {
  const links = [...proseOf(readPage(path)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
  const broken = links.filter((link) => !link.startsWith('http') && !leadsSomewhere(path, link));
  expect(broken).toEqual([]);
});

function leadsSomewhere(from: string, link: string): boolean {
  const [path, anchor] = link.split('#') as [string, string?];
  const target = path === '' ? from : normalize(join(dirname(from), path));
  if (!existsSync(join(packageRoot, target))) return false;
  return anchor === undefined || anchorsOf(readPage(target)).includes(anchor);
}

it('help texts, error sentences and comments name pages that are there', () => {
  const named = ROOMS.flatMap(sourcesIn).flatMap(({ path, text }) =>
    [...text.matchAll(/\bdocs\/[\w/-]+\.md/g)].map(([page]) => ({ path, page })),
  );
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter(({ page }) => !existsSync(join(packageRoot, page)))).toEqual([]);
});

it.each(pages().filter((path) => path !== 'CHANGELOG.md'))('%s names source files that are there', (path) => {
  const named = [...readPage(path).matchAll(NAMED_SOURCE)].map(([, source]) => source!);
  const sources = named.filter((source) => !PLACEHOLDER.test(source));
  expect(sources.filter((source) => !existsSync(join(packageRoot, source)))).toEqual([]);
});
