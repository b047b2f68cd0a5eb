import { createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, type TestContext, test } from 'vitest';
import { KnownRepositories } from '../../../packager/registry/known-repositories.ts';
import { pushBundle } from '../../../packager/registry/push.ts';
import { parseReference } from '../../../packager/registry/reference.ts';
import { RegistrySource } from '../../../packager/registry/registry-source.ts';
import { needs, runTool } from '../../support/tools.ts';
import { AMD64, bundleOf, imageOf } from '../oci/sample-bundle.ts';
import { DebianRegistry } from '../registry/debian-registry.ts';
import { type Desk, desk } from '../registry/harness.ts';
import { layer } from '../registry/images.ts';
import { logIn, password, tokenService } from '../registry/logins.ts';

const BUNDLE = bundleOf([imageOf(AMD64, [layer('weights')])]);

let options: Desk;

beforeEach(async () => {
  options = await desk();
});

/** `open sesame`, by bcrypt. */
const HTPASSWD = 'ali:$2y$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy\n';

async function withPassword(context: TestContext): Promise<DebianRegistry> {
  const path = join(options.environment.HOME, 'htpasswd');
  await writeFile(path, HTPASSWD);
  return DebianRegistry.start(context, { auth: { htpasswd: { realm: 'a registry', path } } });
}

test('lets in who has the password', async (context) => {
  const registry = await withPassword(context);
  const reference = parseReference(`${registry.host}/model:v1`);
  await logIn(options.environment.HOME, registry.host, password('ali', 'open sesame'));
  await pushBundle(BUNDLE, reference, options);
  const image = await new RegistrySource(reference, options).fetch(AMD64);
  expect(image.manifest.descriptor).toEqual(BUNDLE.root.descriptor);
});

test('keeps out who has another one, or none', async (context) => {
  const registry = await withPassword(context);
  const reference = parseReference(`${registry.host}/model:v1`);
  const denied = `Registry ${registry.host} denies access (401). `;
  await expect(pushBundle(BUNDLE, reference, options)).rejects.toMatchObject({
    code: 'REGISTRY_FAILED',
    exitCode: 3,
    sentence: `${denied}Log in first (docker, podman, skopeo or oras login ${registry.host}).`,
  });
  await logIn(options.environment.HOME, registry.host, password('ali', 'open barley'));
  await expect(pushBundle(BUNDLE, reference, options)).rejects.toMatchObject({
    sentence: `${denied}Log in again (docker, podman, skopeo or oras login ${registry.host}).`,
  });
});

test('takes tokens for what they allow', async (context) => {
  const { key, certificate } = selfSigned(context);
  const issuer = await jwtIssuer(key, certificate, (repository) => repository !== 'secret');
  const service = await tokenService((asked, request) => {
    const isAli = request.headers.authorization === `Basic ${password('ali', 'open sesame').auth}`;
    return isAli ? { token: issuer(asked), expires_in: 300 } : 401;
  });
  const registry = await DebianRegistry.start(context, {
    auth: {
      token: { realm: service.realm, service: 'debian', issuer: 'tokens', rootcertbundle: certificate },
    },
  });
  await logIn(options.environment.HOME, registry.host, password('ali', 'open sesame'));
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
});

test('shows a certificate that nobody has vouched for', async (context) => {
  const tls = selfSigned(context);
  const registry = await DebianRegistry.start(context, {
    http: { addr: '127.0.0.1:0', net: 'tcp', tls },
  });
  const reference = parseReference(`${registry.host}/model:v1`);
  await expect(pushBundle(BUNDLE, reference, { ...options, insecure: false })).rejects.toMatchObject({
    code: 'REGISTRY_FAILED',
    sentence:
      `Registry ${registry.host} shows a certificate that is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT). ` +
      'Name the file of its authority in NODE_EXTRA_CA_CERTS.',
  });
});

/** A key and its certificate, as files. */
function selfSigned(context: TestContext): { key: string; certificate: string } {
  needs(context, 'openssl');
  const [key, certificate] = ['key.pem', 'certificate.pem'].map((name) =>
    join(options.environment.HOME, name),
  ) as [string, string];
  const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=tokens';
  runTool('openssl', ...request.split(' '), '-keyout', key, '-out', certificate);
  return { key, certificate };
}

/** Signs what is asked for, as the registry's documentation of its token service has it. */
async function jwtIssuer(
  keyFile: string,
  certificateFile: string,
  mayRead: (repository: string) => boolean,
): Promise<(asked: URLSearchParams) => string> {
  const key = createPrivateKey(await readFile(keyFile));
  const certificate = new X509Certificate(await readFile(certificateFile));
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
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
