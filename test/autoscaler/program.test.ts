import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { autoscalerProgram } from '../../autoscaler/program.ts';
import { renderHelp } from '../../models/base/command-line/help.ts';
import { AutoscalerProcess } from '../support/autoscaler-process.ts';
import { rawRequest } from '../support/raw-request.ts';
import { measuredCache } from './end-to-end/running-service.ts';

let cache: string;
let folder: string;
beforeAll(async () => {
  cache = await measuredCache();
  folder = await mkdtemp(join(tmpdir(), 'infless-cli-'));
}, 60_000);
afterAll(async () => {
  await rm(cache, { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
});

function start(...args: string[]): AutoscalerProcess {
  const autoscaler = new AutoscalerProcess(...args);
  onTestFinished(() => void autoscaler.child.kill('SIGKILL'));
  return autoscaler;
}

describe('infless-autoscaler', () => {
  it('serves the functions of a file, leaves instances on SIGTERM, adopts them, and stops them on SIGINT', async () => {
    const file = join(folder, 'functions.yaml');
    await writeFile(file, 'functions:\n  - name: digits\n    model: mnist\n    slo: 300ms\n');
    const args = ['--functions', file, '--port', '0', '--state-dir', join(folder, 'state')];

    const first = start(...args);
    const [before] = (await first.ready('digits')).instances;
    first.child.kill('SIGTERM');
    expect(await first.exited()).toBe(0);
    expect((await fetch(`${before!.url}/_/health`)).status).toBe(200);

    const second = start(...args);
    const [adopted] = (await second.ready('digits')).instances;
    expect(adopted?.id).toBe(before!.id);
    second.child.kill('SIGINT');
    expect(await second.exited()).toBe(0);
    await expect(fetch(`${before!.url}/_/health`)).rejects.toThrow();
  });

  it('adopts what a killed predecessor left', async () => {
    const args = ['--port', '0', '--state-dir', join(folder, 'killed')];
    const first = start(...args);
    await first.declare({ name: 'digits', model: 'mnist', slo: '300ms' });
    const [before] = (await first.ready('digits')).instances;
    first.child.kill('SIGKILL');
    await first.exited();

    const second = start(...args);
    const [adopted] = (await second.ready('digits')).instances;
    expect(adopted?.id).toBe(before!.id);
    second.child.kill('SIGINT');
    await second.exited();
  });

  it('says in one sentence that its port is taken', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    onTestFinished(() => void blocker.close());
    const { port } = blocker.address() as AddressInfo;
    const autoscaler = start('--port', String(port), '--state-dir', join(folder, 'port'));
    expect(await autoscaler.exited()).toBe(3);
    expect(autoscaler.stderr).toBe(
      `error: Port ${port} on 127.0.0.1 is taken. Stop the program that uses it, or choose another with --port.\n`,
    );
  });

  it.each([
    [['--port', 'http'], 2, /--port "http" is not a whole number/],
    [['--functions', 'missing.yaml'], 2, /Functions file missing\.yaml cannot be read \(ENOENT\)/],
    [['--rate-model', 'luck'], 2, /percentile/],
    [['--allow-host', 'http://gateway.example'], 2, /--allow-host "http:\/\/gateway\.example" is no name/],
    [['--allow-host', 'a.example:8080'], 2, /without scheme and port/],
    [['--cpu', 'lots'], 2, /--cpu "lots" is not an amount of CPU/],
    [['--basic-auth-dir', ''], 2, /--basic-auth-dir is empty, so no one could log in/],
    [['--cpu', '1', 'plan'], 2, /"plan" is a command of infless-autoscaler, and comes first/],
    [['pln'], 2, /has no command "pln"\. Did you mean plan\?/],
    [
      ['--basic-auth-dir', 'missing'],
      2,
      /Credentials file missing\/basic-auth-user cannot be read \(ENOENT\)/,
    ],
  ])('%j exits with %i', async (args, code, message) => {
    const autoscaler = start('--state-dir', join(folder, 'bad'), '--port', '0', ...args);
    expect(await autoscaler.exited()).toBe(code);
    expect(autoscaler.stderr).toMatch(message);
    expect(autoscaler.stderr).not.toMatch(/\n\s+at /);
  });

  it('warns when others can administer it, and lets nobody without credentials if it has some', async () => {
    const everywhere = ['--host', '0.0.0.0', '--port', '0', '--state-dir'];
    const open = start(...everywhere, join(folder, 'open'), '--no-auth');
    await open.url();
    expect(open.stderr).toContain('give --basic-auth-dir');

    await writeFile(join(folder, 'basic-auth-user'), 'admin\n');
    await writeFile(join(folder, 'basic-auth-password'), 'secret\n');
    const guarded = start(...everywhere, join(folder, 'guarded'), '--basic-auth-dir', folder);
    const functions = `${(await guarded.url()).replace('0.0.0.0', '127.0.0.1')}/api/functions`;
    expect(guarded.stderr).not.toContain('--basic-auth-dir');
    expect((await fetch(functions)).status).toBe(401);
    const headers = { authorization: `Basic ${btoa('admin:secret')}` };
    expect((await fetch(functions, { headers })).status).toBe(200);
    for (const autoscaler of [open, guarded]) autoscaler.child.kill('SIGINT');
    expect(await Promise.all([open.exited(), guarded.exited()])).toEqual([0, 0]);
  });

  it('makes a login of its own, tells of it once, and asks for it where something is changed', async () => {
    const args = ['--port', '0', '--state-dir', join(folder, 'login')];
    const first = start(...args);
    const functions = `${await first.url()}/api/functions`;
    const file = join(folder, 'login', 'basic-auth-password');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await expect.poll(() => first.stderr).toContain(`--username admin --password-stdin < ${file}`);
    expect((await fetch(functions)).status).toBe(200);
    const change = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
    const refused = await fetch(functions, change);
    expect([refused.status, await refused.text()]).toEqual([
      401,
      expect.stringContaining('basic-auth-password'),
    ]);
    const headers = { ...change.headers, ...(await first.login()) };
    expect((await fetch(functions, { ...change, headers })).status).toBe(400);
    await expect
      .poll(() => first.stderr)
      .toMatch(/"user":"admin".*"method":"POST".*"status":400.*"administration"/);
    const password = await readFile(file, 'utf8');
    expect(first.stderr).not.toContain(password.trim());
    first.child.kill('SIGKILL');
    await first.exited();
    const second = start(...args);
    await second.url();
    expect(await readFile(file, 'utf8')).toBe(password);
    expect(second.stderr).not.toContain('--password-stdin');
    second.child.kill('SIGINT');
    await second.exited();
  });

  it('reads no file for who declares functions that is none of theirs', async () => {
    const autoscaler = start('--port', '0', '--state-dir', join(folder, 'paths'), '--model-dir', folder);
    const declared = autoscaler.declare({ name: 'f', model: 'mnist', slo: '1s', profile: '/etc/passwd' });
    await expect(declared).rejects.toThrow(/outside the folders .* --model-dir/);
    await writeFile(join(folder, 'table.json'), 'secret: root:x:0');
    const inside = { name: 'f', model: 'mnist', slo: '1s', profile: join(folder, 'table.json') };
    const answer = autoscaler.declare(inside);
    await expect(answer).rejects.toThrow(/is not JSON\./);
    await expect(answer).rejects.not.toThrow(/root|secret/);
    autoscaler.child.kill('SIGINT');
    await autoscaler.exited();
  });

  it('is administered by the names that it was given, as the help tells', async () => {
    const host = ['--host', '0.0.0.0', '--allow-host', 'One.Example', '--allow-host', 'two.example'];
    const autoscaler = start(...host, '--port', '0', '--state-dir', join(folder, 'names'));
    const url = (await autoscaler.url()).replace('0.0.0.0', '127.0.0.1');
    const ask = async (name: string): Promise<number> =>
      (await rawRequest(url, ['GET /api/functions HTTP/1.1', `Host: ${name}`])).status;
    for (const name of ['localhost', '0.0.0.0', 'one.example', 'two.example:80'])
      expect(await ask(name), name).toBe(200);
    expect(await ask('three.example')).toBe(421);
    expect(renderHelp(autoscalerProgram)).toContain('--allow-host <name>');
  });

  it('listens on an address by which it can be administered', async (context) => {
    const address = Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .find(({ internal, family }) => !internal && family === 'IPv4')?.address;
    if (address === undefined) context.skip('needs an address beside loopback');
    // On all addresses, that of the connection is one of them, by its own name.
    const autoscaler = start('--host', '0.0.0.0', '--port', '0', '--state-dir', join(folder, 'address'));
    const { port } = new URL(await autoscaler.url());
    expect((await fetch(`http://${address}:${port}/api/functions`)).status).toBe(200);
  });

  it('names the function and field that a functions file has wrong', async () => {
    const file = join(folder, 'wrong.yaml');
    await writeFile(file, 'functions:\n  - {name: digits, model: mnist, slo: fast}\n');
    const autoscaler = start('--functions', file, '--port', '0', '--state-dir', join(folder, 'wrong'));
    expect(await autoscaler.exited()).toBe(2);
    expect(autoscaler.stderr).toMatch(
      /Function 1 of .*wrong\.yaml is not valid at "slo": slo|"fast" is not a duration/,
    );
  });
});
