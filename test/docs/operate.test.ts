import { expect, it } from 'vitest';
import { sourcesIn } from '../architecture/sources.ts';
import { readPage } from './pages.ts';

const page = readPage('docs/operate.md');

it.each([
  { of: 'the gateway', folder: 'autoscaler', name: /'((?:gateway|infless)_[a-z0-9_]+)'/g, prefix: '' },
  {
    of: 'a serving process',
    folder: 'packager/server',
    name: /(?:'infless_server_|#(?:seconds|sizes|gauge)\(\s*')([a-z_]+)'/g,
    prefix: 'infless_server_',
  },
])('the page has every metric of $of', ({ folder, name, prefix }) => {
  const texts = sourcesIn(folder).flatMap(({ path, text }) => (path.endsWith('/metrics.ts') ? text : []));
  const metrics = texts.flatMap((text) =>
    [...text.matchAll(name)].map(([, metric]) => `${prefix}${metric!}`),
  );
  expect(metrics.length).toBeGreaterThan(10);
  const missing = metrics.filter(
    (metric) => !page.includes(`\`${metric}\``) && !page.includes(`\`${metric}_seconds\``),
  );
  expect(missing).toEqual([]);
});
