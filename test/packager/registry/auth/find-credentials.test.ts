import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findCredentials } from '../../../../packager/registry/auth/find-credentials.ts';

/** A home folder with a docker login file, and programs on its PATH. */
async function home(config: unknown, helpers: Readonly<Record<string, string>> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'infless-login-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, '.docker'));
  await writeFile(
    join(folder, '.docker', 'config.json'),
    typeof config === 'string' ? config : JSON.stringify(config),
  );
  for (const [name, script] of Object.entries(helpers)) {
    const program = join(folder, `docker-credential-${name}`);
    await writeFile(program, `#!/bin/sh\n${script}\n`);
    await chmod(program, 0o755);
  }
  return { HOME: folder, PATH: `${folder}:${process.env.PATH}` };
}

const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') });

test('nobody has logged in', async () => {
  expect(await findCredentials('r.example', { HOME: '/nonexistent' })).toBeUndefined();
  expect(await findCredentials('r.example', await home({}))).toBeUndefined();
  expect(
    await findCredentials('r.example', await home({ auths: { 'other.example': auth('u:p') } })),
  ).toBeUndefined();
});

test.each([
  ['r.example:5000', 'r.example:5000', auth('me:pass:word'), { user: 'me', password: 'pass:word' }],
  ['r.example', 'https://r.example/v2/', auth('me:é'), { user: 'me', password: 'é' }],
  ['docker.io', 'https://index.docker.io/v1/', auth('me:x'), { user: 'me', password: 'x' }],
  ['docker.io', 'docker.io', auth('me:x'), { user: 'me', password: 'x' }],
  ['r.example', 'r.example', { username: 'me', password: '' }, { user: 'me', password: '' }],
])('%s is the entry %s', async (registry, name, entry, credentials) => {
  const environment = await home({ auths: { [name]: entry, 'r.example/team': auth('team:x') } });
  expect(await findCredentials(registry, environment)).toEqual({ type: 'password', ...credentials });
});

test('an identity token goes before a password', async () => {
  const environment = await home({ auths: { 'r.example': { ...auth('me:x'), identitytoken: 'T' } } });
  expect(await findCredentials('r.example', environment)).toEqual({ type: 'identity-token', token: 'T' });
});

test('the helper of the registry, else the helper of all, else the plain entry', async () => {
  const answer = (user: string) => `read r; echo "{\\"Username\\":\\"${user}\\",\\"Secret\\":\\"for $r\\"}"`;
  const environment = await home(
    {
      auths: { 'r.example': {}, 'plain.example': auth('me:plain') },
      credHelpers: { 'cloud.example': 'cloud', 'tokens.example': 'tokens' },
      credsStore: 'store',
    },
    {
      cloud: answer('cloud'),
      tokens: answer('<token>'),
      store: `read r; case $r in plain.*) echo credentials not found in native keychain; exit 1;; esac
        echo "{\\"Username\\":\\"store\\",\\"Secret\\":\\"for $r\\"}"`,
    },
  );
  const find = (registry: string) => findCredentials(registry, environment);
  expect(await find('cloud.example')).toEqual({
    type: 'password',
    user: 'cloud',
    password: 'for cloud.example',
  });
  expect(await find('tokens.example')).toEqual({ type: 'identity-token', token: 'for tokens.example' });
  expect(await find('r.example')).toEqual({ type: 'password', user: 'store', password: 'for r.example' });
  expect(await find('docker.io')).toMatchObject({ password: 'for https://index.docker.io/v1/' });
  expect(await find('plain.example')).toEqual({ type: 'password', user: 'me', password: 'plain' });
});

test("podman's file is asked where docker's says nothing", async () => {
  const environment = await home({ auths: {} });
  const file = join(environment.HOME, 'auth.json');
  await writeFile(file, JSON.stringify({ auths: { 'r.example': auth('podman:x') } }));
  const credentials = await findCredentials('r.example', { ...environment, REGISTRY_AUTH_FILE: file });
  expect(credentials).toMatchObject({ user: 'podman' });
});

test.each([
  ['{', {}, /Login file .*config\.json is no JSON\. Mend or remove it/],
  [{ auths: { 'r.example': { auth: 7 } } }, {}, /at "auths\.r\.example\.auth"/],
  [{ auths: { 'r.example': auth('nobody') } }, {}, /"auth" for r\.example that is not user:password/],
  [
    { credsStore: 'gone' },
    {},
    /docker-credential-gone gave no credentials for r\.example: it is not installed/,
  ],
  [{ credsStore: 'sick' }, { sick: 'echo locked; exit 3' }, /docker-credential-sick .*: locked\. Mend it/],
  [{ credsStore: 'odd' }, { odd: 'echo hello' }, /its answer is not the JSON/],
])('%o is told in one sentence', async (config, helpers, sentence) => {
  await expect(findCredentials('r.example', await home(config, helpers))).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    sentence: expect.stringMatching(sentence),
  });
});
