import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, sign, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { Authorization } from '../../../packager/registry/authorization.ts';
import { KnownRepositories } from '../../../packager/registry/known-repositories.ts';
import { pushBundle } from '../../../packager/registry/push.ts';
import { parseReference } from '../../../packager/registry/reference.ts';
import { RegistrySource } from '../../../packager/registry/registry-source.ts';
import { DebianRegistry, missing, noRegistry } from './debian-registry.ts';
import { type Desk, desk } from './harness.ts';
import { AMD64, bundleOf, imageOf, layer } from './images.ts';
import { SmallRegistry } from './small-registry.ts';

const BUNDLE = bundleOf(imageOf([layer('weights')]));

let options: Desk;

beforeEach(async () => {
  options = await desk();
});

async function logIn(registry: string, entry: object): Promise<void> {
  const folder = join(options.environment.HOME, '.docker');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), JSON.stringify({ auths: { [registry]: entry } }));
}

const password = (user: string, secret: string) => ({
  auth: Buffer.from(`${user}:${secret}`).toString('base64'),
});

/** A token service; `answer` decides on each request's parameters. */
async function tokenService(
  answer: (asked: URLSearchParams, request: IncomingMessage) => object | number,
): Promise<{ realm: string; asked: URLSearchParams[] }> {
  const asked: URLSearchParams[] = [];
  const server = createServer(async (request, response) => {
    const query = new URL(request.url!, 'http://tokens').searchParams;
    const parameters = request.method === 'POST' ? new URLSearchParams(await text(request)) : query;
    asked.push(parameters);
    const given = answer(parameters, request);
    if (typeof given === 'number') response.writeHead(given).end();
    else response.end(JSON.stringify(given));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { realm: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`, asked };
}

/** A registry that takes only these tokens. */
async function guarded(realm: string, isGood: (token: string) => boolean): Promise<SmallRegistry> {
  return SmallRegistry.start((request, response) => {
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    if (isGood(token)) return false;
    response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="small"` }).end();
    return true;
  });
}

describe.skipIf(noRegistry)(`Debian's registry${noRegistry ? ` (${noRegistry})` : ''}`, () => {
  /** `open sesame`, by bcrypt. */
  const HTPASSWD = 'ali:$2y$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy\n';

  async function withPassword(): Promise<DebianRegistry> {
    const path = join(options.environment.HOME, 'htpasswd');
    await writeFile(path, HTPASSWD);
    return DebianRegistry.start({ auth: { htpasswd: { realm: 'a registry', path } } });
  }

  test('lets in who has the password', async () => {
    const registry = await withPassword();
    const reference = parseReference(`${registry.host}/model:v1`);
    await logIn(registry.host, password('ali', 'open sesame'));
    await pushBundle(BUNDLE, reference, options);
    const image = await new RegistrySource(reference, options).fetch(AMD64);
    expect(image.manifest.descriptor).toEqual(BUNDLE.root.descriptor);
  });

  test('keeps out who has another one, or none', async () => {
    const registry = await withPassword();
    const reference = parseReference(`${registry.host}/model:v1`);
    const denied = `Registry ${registry.host} denies access (401). `;
    await expect(pushBundle(BUNDLE, reference, options)).rejects.toMatchObject({
      code: 'REGISTRY_FAILED',
      exitCode: 3,
      sentence: `${denied}Log in first (docker, podman, skopeo or oras login ${registry.host}).`,
    });
    await logIn(registry.host, password('ali', 'open barley'));
    await expect(pushBundle(BUNDLE, reference, options)).rejects.toMatchObject({
      sentence: `${denied}Log in again (docker, podman, skopeo or oras login ${registry.host}).`,
    });
  });

  const noOpenssl = missing('openssl', 'version');
  test.skipIf(noOpenssl)(
    `takes tokens for what they allow${noOpenssl ? ` (${noOpenssl})` : ''}`,
    async () => {
      const [key, certificate] = ['key.pem', 'certificate.pem'].map((name) =>
        join(options.environment.HOME, name),
      ) as [string, string];
      execFileSync(
        'openssl',
        `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=tokens -keyout ${key} -out ${certificate}`.split(
          ' ',
        ),
        { stdio: 'ignore' },
      );
      const issuer = await jwtIssuer(key, certificate, (repository) => repository !== 'secret');
      const service = await tokenService((asked, request) => {
        const isAli = request.headers.authorization === `Basic ${password('ali', 'open sesame').auth}`;
        return isAli ? { token: issuer(asked), expires_in: 300 } : 401;
      });
      const registry = await DebianRegistry.start({
        auth: {
          token: { realm: service.realm, service: 'debian', issuer: 'tokens', rootcertbundle: certificate },
        },
      });
      await logIn(registry.host, password('ali', 'open sesame'));
      await pushBundle(BUNDLE, parseReference(`${registry.host}/team/first:v1`), options);
      const second = await pushBundle(BUNDLE, parseReference(`${registry.host}/second:v1`), options);
      expect(second.counts).toEqual({ present: 0, mounted: 2, pushed: 1 });
      expect(service.asked.map((asked) => asked.getAll('scope'))).toEqual([
        ['repository:team/first:pull,push'],
        ['repository:second:pull,push'],
        ['repository:second:pull,push', 'repository:team/first:pull'],
      ]);

      // Where the layers lie in a repository that we may not read, they are sent again.
      const known = await KnownRepositories.load(registry.host, options.environment);
      const blobs = BUNDLE.images.flatMap(({ config, layers }) => [config, ...layers]);
      known.remember(
        blobs.map((blob) => blob.descriptor.digest),
        'secret',
      );
      await known.save();
      const third = await pushBundle(BUNDLE, parseReference(`${registry.host}/third:v1`), options);
      expect(third.counts).toEqual({ present: 0, mounted: 0, pushed: 3 });
      expect(await registry.requests()).toContain('POST /v2/third/blobs/uploads/ 401');
    },
  );
});

/** Signs what is asked for, as the registry's documentation of its token service has it. */
async function jwtIssuer(
  keyFile: string,
  certificateFile: string,
  mayRead: (repository: string) => boolean,
): Promise<(asked: URLSearchParams) => string> {
  const key = createPrivateKey(await readFile(keyFile));
  const certificate = new X509Certificate(await readFile(certificateFile));
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  expect(certificate.checkPrivateKey(key) && createPublicKey(key).asymmetricKeyType).toBe('ec');
  return (asked) => {
    const now = Math.floor(Date.now() / 1000);
    const access = asked.getAll('scope').flatMap((scope) => {
      const [type, name = '', actions = ''] = scope.split(':');
      return mayRead(name) ? [{ type, name, actions: actions.split(',') }] : [];
    });
    const head = encode({ typ: 'JWT', alg: 'ES256', x5c: [certificate.raw.toString('base64')] });
    const claims = { iss: 'tokens', sub: 'ali', aud: asked.get('service'), access, jti: 'one' };
    const body = encode({ ...claims, iat: now, nbf: now - 10, exp: now + 300 });
    const signature = sign('sha256', Buffer.from(`${head}.${body}`), { key, dsaEncoding: 'ieee-p1363' });
    return `${head}.${body}.${signature.toString('base64url')}`;
  };
}

describe('tokens', () => {
  test('one is asked for by many requests, renewed before its end, and after it was refused', async () => {
    let count = 0;
    const service = await tokenService(() => {
      count += 1;
      return { access_token: `token ${count}`, expires_in: 60 };
    });
    const good = new Set(['token 1', 'token 2', 'token 4']);
    const registry = await guarded(service.realm, (token) => good.has(token));
    const reference = parseReference(`${registry.host}/model:v1`);
    await pushBundle(BUNDLE, reference, options);
    expect(count).toBe(1);

    const source = new RegistrySource(reference, options);
    await source.fetch(AMD64);
    expect(count).toBe(2);
    options.clock.at(options.clock.nowMs() + 56_000, () => {}); // its end is near; and the next one is no good
    await source.fetch(AMD64);
    expect(count).toBe(4);
  });

  test('a user without login gets one for what is public', async () => {
    const service = await tokenService((_asked, request) =>
      request.headers.authorization === undefined ? { token: 'anonymous' } : 400,
    );
    const registry = await guarded(service.realm, (token) => token === 'anonymous');
    await pushBundle(BUNDLE, parseReference(`${registry.host}/model:v1`), options);
    expect(service.asked[0]?.get('service')).toBe('small');
  });

  test('an identity token is exchanged for one', async () => {
    const service = await tokenService((asked, { method }) =>
      method === 'POST' && asked.get('refresh_token') === 'secret' ? { access_token: 'good' } : 401,
    );
    const registry = await guarded(service.realm, (token) => token === 'good');
    await logIn(registry.host, { identitytoken: 'secret' });
    await pushBundle(BUNDLE, parseReference(`${registry.host}/team/model:v1`), options);
    expect(Object.fromEntries(service.asked[0]!)).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'secret',
      client_id: 'infless-pack',
      scope: 'repository:team/model:pull,push',
      service: 'small',
    });
  });

  test('a service that is busy is asked again', async () => {
    let count = 0;
    const service = await tokenService(() => {
      count += 1;
      return count < 3 ? 503 : { token: 'good' };
    });
    const registry = await guarded(service.realm, (token) => token === 'good');
    await new RegistrySource(parseReference(`${registry.host}/model:v1`), options)
      .fetch(AMD64)
      .catch(() => undefined);
    expect(options.clock.waitsMs).toEqual([250, 500]);
    expect(registry.requests.at(-1)).toBe('GET /v2/model/manifests/v1');
  });

  test.each([
    ['a service that refuses', 403, /denies access \(401\)\. Log in first/],
    ['a token that is none', { token: 7 }, /Its token service 127\.0\.0\.1:\d+ gives no token/],
    ['a token that does not help', { token: 'bad' }, /denies access \(401\)\. Log in first/],
  ])('%s', async (_name, answer, sentence) => {
    const service = await tokenService(() => answer);
    const registry = await guarded(service.realm, () => false);
    await expect(
      pushBundle(BUNDLE, parseReference(`${registry.host}/model:v1`), options),
    ).rejects.toMatchObject({ code: 'REGISTRY_FAILED', sentence: expect.stringMatching(sentence) });
    expect(options.clock.waitsMs).toEqual([]);
  });

  test.each([
    ['Negotiate', /It names no way of authorization that we know/],
    ['Bearer service="x"', /It names no token service/],
    ['Bearer realm="here"', /It names no token service/],
    ['Bearer realm="http://tokens.example/"', /tokens\.example would read the password without encryption/],
  ])('%s is not answered', async (challenge, sentence) => {
    const authorization = new Authorization({
      registry: 'r.example',
      origin: new URL('https://r.example'),
      environment: options.environment,
      clock: options.clock,
      send: () => Promise.reject(new Error('nothing may be sent')),
    });
    await expect(authorization.learn({ header: () => challenge }, [], undefined)).rejects.toMatchObject({
      code: 'REGISTRY_FAILED',
      sentence: expect.stringMatching(sentence),
    });
  });
});
