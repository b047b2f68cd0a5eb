import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SecretFiles } from '../../../../autoscaler/functions/secrets/secret-files.ts';
import { MAX_SECRET_BYTES } from '../../../../autoscaler/functions/secrets/secret-store.ts';

let directory: string;
let secrets: SecretFiles;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'infless-secrets-'));
  secrets = new SecretFiles(directory);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('secrets', () => {
  it('are created once, replaced, listed by name and removed', async () => {
    expect(await secrets.list()).toEqual([]);
    await secrets.create('token', bytes('one'));
    await secrets.create('a.key', Uint8Array.of(0, 255));
    expect(await secrets.list()).toEqual(['a.key', 'token']);
    expect(await readFile(secrets.fileOf('a.key'))).toEqual(Buffer.from([0, 255]));
    await expect(secrets.create('token', bytes('two'))).rejects.toMatchObject({ code: 'SECRET_EXISTS' });
    expect(await readFile(secrets.fileOf('token'), 'utf8')).toBe('one');
    await secrets.replace('token', bytes('two'));
    expect(await readFile(secrets.fileOf('token'), 'utf8')).toBe('two');
    await secrets.remove('token');
    expect(await secrets.list()).toEqual(['a.key']);
    await expect(secrets.remove('token')).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' });
    await expect(secrets.replace('token', bytes('three'))).rejects.toMatchObject({
      code: 'SECRET_NOT_FOUND',
    });
  });

  it('are for their owner only, replaced ones as well', async () => {
    await secrets.create('token', bytes('one'));
    await secrets.replace('token', bytes('two'));
    expect((await stat(secrets.fileOf('token'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, 'secrets'))).mode & 0o777).toBe(0o700);
  });

  it('may have names as long as objects of a cluster', async () => {
    const names = [200, 201, 243, 244, 253].map((length) => `${'a.b-'.repeat(64).slice(0, length - 1)}z`);
    for (const name of names) await secrets.create(name, bytes(name));
    expect(await secrets.list()).toEqual([...names].sort());
    for (const name of names) expect(await readFile(secrets.fileOf(name), 'utf8')).toBe(name);
    await secrets.replace(names[4]!, bytes('other'));
    await secrets.remove(names[3]!);
    expect(await secrets.has(names[3]!)).toBe(false);
    expect(await readFile(secrets.fileOf(names[4]!), 'utf8')).toBe('other');
  });

  it('outlive the autoscaler, and half-written ones are no secrets', async () => {
    await secrets.create('key.2026', bytes('one'));
    await writeFile(`${secrets.fileOf('token')}.1234567`, 'half');
    const next = new SecretFiles(directory);
    expect(await next.list()).toEqual(['key.2026']);
    await next.create('other', bytes('two'));
    expect((await readdir(join(directory, 'secrets'))).sort()).toEqual(['key.2026.secret', 'other.secret']);
  });

  it('are refused with a sentence where the name or the size is not right', async () => {
    for (const name of ['', '../up', 'UPPER', '.dot', 'a/b', 'x'.repeat(254)]) {
      await expect(secrets.create(name, bytes('x')), name).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      await expect(secrets.remove(name), name).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' });
    }
    await expect(secrets.create('big', new Uint8Array(MAX_SECRET_BYTES + 1))).rejects.toThrow(/1048576/);
    await secrets.create('full', new Uint8Array(MAX_SECRET_BYTES));
  });

  it('of one name are created by one of many who try at once', async () => {
    const tries = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) => secrets.create('token', bytes(String(index)))),
    );
    expect(tries.map(({ status }) => status)).toEqual(['fulfilled', ...Array(9).fill('rejected')]);
    expect(await readFile(secrets.fileOf('token'), 'utf8')).toBe('0');
  });
});
