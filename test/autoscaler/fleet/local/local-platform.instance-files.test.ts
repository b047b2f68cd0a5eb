import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LocalPlatform } from '../../../../autoscaler/fleet/local/local-platform.ts';
import type { LogLine, StartRequest } from '../../../../autoscaler/fleet/platform.ts';
import { SecretFiles } from '../../../../autoscaler/functions/secrets/secret-files.ts';
import { SERVER_ENVIRONMENT } from '../../../../packager/server/instance-protocol.ts';
import { LocalHarness } from './local-harness.ts';

let harness: LocalHarness;
let platform: LocalPlatform;
let secrets: SecretFiles;

beforeEach(async () => {
  harness = await LocalHarness.open();
  platform = harness.create();
  secrets = new SecretFiles(harness.stateDirectory);
  await platform.open(() => {});
});
afterEach(async () => {
  await platform.close('stop');
  await harness.dispose();
});

function withSecrets(id: string, ...names: string[]): StartRequest {
  return harness.request(id, { workload: { ...harness.workload, secrets: names } });
}

/** As the kernel knows it, not as we asked for it. */
async function secretsFolderOf(id: string): Promise<string | undefined> {
  const environment = await readFile(`/proc/${await harness.pid(id)}/environ`, 'utf8');
  const prefix = `${SERVER_ENVIRONMENT.secrets}=`;
  return environment
    .split('\0')
    .find((line) => line.startsWith(prefix))
    ?.slice(prefix.length);
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe.skipIf(process.platform !== 'linux')('the secrets of an instance', () => {
  it('are files of its own, those it names and no others, until it is gone', async () => {
    await secrets.create('token', bytes('one'));
    await secrets.create('key', bytes('two'));
    await secrets.create('of-others', bytes('three'));
    await platform.start(withSecrets('a', 'token', 'key'));
    await platform.start(harness.request('b'));
    const folder = (await secretsFolderOf('a'))!;
    expect((await readdir(folder)).sort()).toEqual(['key', 'token']);
    expect(await readFile(join(folder, 'token'), 'utf8')).toBe('one');
    await secrets.replace('token', bytes('changed'));
    expect(await readFile(join(folder, 'token'), 'utf8')).toBe('changed');
    expect(await secretsFolderOf('b')).toBeUndefined();

    await platform.stop('a', 0);
    await harness.until(() => !platform.instances().some(({ id }) => id === 'a'));
    await harness.until(async () => !(await harness.leftovers()).some((what) => what.includes('a.secrets')));
  });

  it('must be there when it starts', async () => {
    await expect(platform.start(withSecrets('a', 'missing'))).rejects.toMatchObject({
      code: 'PLATFORM_FAILED',
      message: expect.stringContaining('"missing"'),
    });
    expect(platform.instances()).toEqual([]);
    expect(await harness.leftovers()).toEqual(['autoscaler.pid']);
  });

  it('are found again by the next autoscaler, and removed for those that did not last', async () => {
    await secrets.create('token', bytes('one'));
    for (const id of ['lasting', 'killed']) await platform.start(withSecrets(id, 'token'));
    await harness.until(() => platform.instances().every(({ phase }) => phase === 'ready'));
    const folder = (await secretsFolderOf('lasting'))!;
    const killed = await harness.pid('killed');
    await platform.close('leave');
    process.kill(killed, 'SIGKILL');

    platform = harness.create();
    await platform.open(() => {});
    expect(platform.instances().map(({ id }) => id)).toEqual(['lasting']);
    expect(await readFile(join(folder, 'token'), 'utf8')).toBe('one');
    expect((await harness.leftovers()).filter((what) => what.includes('.secrets'))).toEqual([
      'file lasting.secrets',
    ]);
  });
});

describe('the logs of a function', () => {
  it('are those of its instances, of those that are gone as well, and known again after a restart', async () => {
    const { signal } = new AbortController();
    const linesOf = (name: string): Promise<LogLine[]> =>
      Readable.from(platform.logs(name, { follow: false, signal })).toArray();
    await platform.start(harness.request('a'));
    await harness.until(() => platform.instances().every(({ phase }) => phase === 'ready'));
    const before = Date.now();
    const lines = await linesOf('greeter');
    expect(new Set(lines.map(({ instanceId }) => instanceId))).toEqual(new Set(['a']));
    expect(lines.map(({ text }) => text).join('\n')).toContain('listening');
    expect(lines.every(({ timestampMs }) => Math.abs(timestampMs - before) < 60_000)).toBe(true);
    expect(await linesOf('greet')).toEqual([]);

    await platform.close('leave');
    platform = harness.create();
    await platform.open(() => {});
    expect((await linesOf('greeter')).length).toBeGreaterThanOrEqual(lines.length);
    await platform.stop('a', 0);
    await harness.until(() => platform.instances().length === 0);
    expect((await linesOf('greeter')).length).toBeGreaterThanOrEqual(lines.length);
  });
});
