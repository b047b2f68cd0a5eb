import { expect, it } from 'vitest';
import { PROTOCOLS } from '../../../models/protocols/index.ts';
import { sourcesIn } from '../../architecture/sources.ts';
import { readPage } from '../pages.ts';

const page = readPage('docs/reference/rest-api.md');

it('the page has every route that is registered by its path', () => {
  const registered = /\bapp\.(get|post|put|delete|all)(?:<\w+>)?\(\s*'([^']+)'/g;
  const routes = ['autoscaler/gateway', 'packager/server'].flatMap(sourcesIn).flatMap(({ text }) =>
    [...text.matchAll(registered)].map(([, method, path]) => {
      const shown = path!.replace(/:name/, 'NAME');
      return `${method === 'all' ? 'POST' : method!.toUpperCase()} ${shown}`;
    }),
  );
  expect(routes.length).toBeGreaterThan(20);
  expect(routes.filter((route) => !page.includes(`\`${route}\``))).toEqual([]);
});

it('the page has every call of every protocol', () => {
  const calls = PROTOCOLS.flatMap(({ routes }) =>
    routes.flatMap((row) => (row.call === undefined ? [] : `${row.method} ${row.path}`)),
  );
  expect(calls.length).toBeGreaterThan(10);
  const atTheGateway = calls.map((call) => (call === 'POST /' ? 'POST /function/NAME' : call));
  expect(atTheGateway.filter((call) => !page.includes(`\`${call}\``))).toEqual([]);
});
