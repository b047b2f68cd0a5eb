import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { packageRoot } from '../../../models/base/package.ts';

/** Nothing but what this gateway serves itself, and no script or style in the page itself. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; " +
  "form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

const FOLDER = 'autoscaler/gateway/ui/page';

/** Every file of the page, by the name below `/ui` that it is served under. */
const FILES: Readonly<Record<string, string>> = {
  '': `${FOLDER}/index.html`,
  'base.css': 'models/base/page/page.css', // as in the reports of profile and plan
  ...Object.fromEntries(
    ['page.css', 'app.js', 'dom.js', 'charts.js', 'overview.js', 'function.js', 'decisions.js']
      .concat(['cluster.js', 'try.js', 'change.js'])
      .map((name) => [name, `${FOLDER}/${name}`]),
  ),
};

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

/**
 * The page at `/ui`, and at `/` for who prefers HTML. Its files hold nothing of this autoscaler; what they
 * show comes from `/api`, which may ask for a login. Has to be called before other routes are added.
 */
export function pageRoutes(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    if (request.method !== 'GET' || request.url !== '/' || !prefersHtml(request)) return undefined;
    return reply.redirect('/ui');
  });
  const served = new Map<string, Promise<Buffer>>();
  for (const [name, file] of Object.entries(FILES)) {
    app.get(name === '' ? '/ui' : `/ui/${name}`, async (_request, reply) => {
      const content = served.get(name) ?? readFile(join(packageRoot, file));
      served.set(name, content);
      return reply
        .type(TYPES[extname(file)]!)
        .headers({
          'content-security-policy': POLICY,
          'cache-control': 'no-cache',
          'referrer-policy': 'no-referrer',
          'x-content-type-options': 'nosniff',
        })
        .send(await content);
    });
  }
}

/** Browsers name HTML first; clients of inference protocols take anything. */
function prefersHtml({ headers }: FastifyRequest): boolean {
  return /^\s*text\/html\b/i.test(headers.accept ?? '');
}
