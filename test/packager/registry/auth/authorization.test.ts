import { beforeEach, describe, expect, test } from 'vitest';
import { Authorization } from '../../../../packager/registry/auth/authorization.ts';
import { pushBundle } from '../../../../packager/registry/push.ts';
import { parseReference } from '../../../../packager/registry/reference.ts';
import { RegistrySource } from '../../../../packager/registry/registry-source.ts';
import { AMD64, bundleOf, imageOf } from '../../oci/sample-bundle.ts';
import { type Desk, desk } from '../harness.ts';
import { layer } from '../images.ts';
import { logIn, tokenService } from '../logins.ts';
import { SmallRegistry } from '../small-registry.ts';

const BUNDLE = bundleOf([imageOf(AMD64, [layer('weights')])]);

let options: Desk;

beforeEach(async () => {
  options = await desk();
});

/** A registry that takes only these tokens. */
async function guarded(realm: string, isGood: (token: string) => boolean): Promise<SmallRegistry> {
  return SmallRegistry.start((request, response) => {
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    if (isGood(token)) return false;
    response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="small"` }).end();
    return true;
  });
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
    // its end is near; and the next one is no good
    options.clock.at(options.clock.nowMs() + 56_000, () => {});
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
    await logIn(options.environment.HOME, registry.host, { identitytoken: 'secret' });
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
    expect(options.clock.waitsMs).toEqual([500, 1000]);
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
