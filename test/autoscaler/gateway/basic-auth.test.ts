import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastify, { type FastifyRequest } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { basicAuth, ownCredentials, readCredentials } from '../../../autoscaler/gateway/basic-auth.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'infless-auth-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('credentials', () => {
  it('are two files, without the ends of their lines', async () => {
    await writeFile(join(directory, 'basic-auth-user'), 'admin\n');
    await writeFile(join(directory, 'basic-auth-password'), 'pass word\r\n');
    expect(await readCredentials(directory)).toEqual({ user: 'admin', password: 'pass word' });
  });

  it('that are missing or empty are told with the name of the file', async () => {
    await writeFile(join(directory, 'basic-auth-user'), 'admin');
    await expect(readCredentials(directory)).rejects.toThrow(/basic-auth-password cannot be read \(ENOENT\)/);
    await writeFile(join(directory, 'basic-auth-password'), '\n');
    await expect(readCredentials(directory)).rejects.toThrow(/basic-auth-password is empty/);
  });
});

describe('a login of our own', () => {
  it('is made once, and opens to this machine what is only looked at', async () => {
    const { credentials, isNew } = await ownCredentials(directory);
    expect([isNew, credentials.password.length]).toEqual([true, 32]);
    expect(await ownCredentials(directory)).toMatchObject({ credentials, isNew: false });

    const app = fastify();
    app.addHook('onRequest', basicAuth(credentials));
    app.all('/', () => 'ok');
    const ask = async (method: 'GET' | 'POST', remoteAddress: string, headers = {}): Promise<number> =>
      (await app.inject({ method, url: '/', remoteAddress, headers })).statusCode;
    const known = { authorization: `Basic ${btoa(`admin:${credentials.password}`)}` };
    for (const here of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
      expect(await ask('GET', here), here).toBe(200);
      expect(await ask('POST', here), here).not.toBe(200);
    }
    expect(await ask('GET', '192.0.2.1')).not.toBe(200);
    expect(await ask('GET', '192.0.2.1', known)).toBe(200);
    expect(await ask('POST', '192.0.2.1', known)).toBe(200);
  });
});

describe('basic authentication', () => {
  const check = basicAuth({ user: 'ädmin', password: 'pass:wörd' });
  const ask = (authorization?: string): Promise<void> =>
    check({ headers: authorization === undefined ? {} : { authorization } } as FastifyRequest);
  const encode = (text: string): string => Buffer.from(text).toString('base64');

  it('lets in who comes with both', async () => {
    await expect(ask(`Basic ${encode('ädmin:pass:wörd')}`)).resolves.toBeUndefined();
    await expect(ask(`basic ${encode('ädmin:pass:wörd')}`)).resolves.toBeUndefined();
  });

  it.each([
    undefined,
    '',
    'Basic',
    'Basic !!!',
    `Basic ${encode('ädmin:pass')}`,
    `Basic ${encode('ädmin:pass:wörd!')}`,
    `Basic ${encode('other:pass:wörd')}`,
    `Basic ${encode(':')}`,
    `Bearer ${encode('ädmin:pass:wörd')}`,
  ])('asks for them again: %j', async (authorization) => {
    await expect(ask(authorization)).rejects.toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Basic realm="Restricted"' },
    });
  });
});
