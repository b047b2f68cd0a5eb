import type { lookup } from 'node:dns';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AsyncCall } from '../../../../autoscaler/gateway/async/async-queue.ts';
import {
  CallbackRefused,
  checkCallbackUrl,
  guarded,
  nameOf,
  postResult,
} from '../../../../autoscaler/gateway/async/callback.ts';

const CALL: AsyncCall = {
  ...{ id: '1', address: 'f', functionName: 'f', path: '/', contentType: 'text/plain' },
  ...{ body: new Uint8Array(0), callbackUrl: undefined },
};
const RESULT = { status: 200, contentType: 'text/plain', body: Buffer.from('ok'), durationSeconds: '0.1' };
const never = new AbortController().signal;

async function serve(handler: RequestListener): Promise<string> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close().closeAllConnections();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a callback', () => {
  it.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://2852039166/', // the same as one number
    'http://0xa9fea9fe/',
    'http://[::ffff:169.254.169.254]/',
    'http://[fe80::1]/',
    'http://[fd00:ec2::254]/',
    'http://100.100.100.200/',
  ])('to %s is refused', (url) => {
    expect(() => checkCallbackUrl(url)).toThrow(/no result is posted to/);
  });

  it.each(['http://127.0.0.1:1/x', 'https://results.example/', 'http://[::1]/'])('to %s may be', (url) => {
    expect(() => checkCallbackUrl(url)).not.toThrow();
  });

  it('may be to those hosts alone that are named, where some are', () => {
    const hosts = new Set(['results.example']);
    expect(() => checkCallbackUrl('https://results.example:8443/a', hosts)).not.toThrow();
    expect(() => checkCallbackUrl('https://results.example.evil/', hosts)).toThrow(
      expect.objectContaining({ remedy: expect.stringContaining('--allow-callback') }),
    );
  });

  it('is held to the address that its name stands for when it is connected', async () => {
    const addresses = [
      { address: '169.254.169.254', family: 4 },
      { address: '192.0.2.1', family: 4 },
    ];
    const resolve = ((_name: string, _options: object, done: (error: null, found: object) => void) =>
      done(null, addresses)) as unknown as typeof lookup;
    const found = await new Promise((done) => {
      guarded(resolve)('rebound.example', { all: true }, (_error, list) => done(list));
    });
    expect(found).toEqual([addresses[1]]);
    addresses.pop();
    const error = await new Promise((done) => {
      guarded(resolve)('rebound.example', {}, (failure) => done(failure));
    });
    expect(error).toBeInstanceOf(CallbackRefused);
  });

  it('gets its login, which no log does', async () => {
    let headers: IncomingHttpHeaders = {};
    const host = await serve((request, response) => {
      headers = request.headers;
      response.end();
    });
    const url = `http://me:se%20cret@${host}/path?token=x`;
    await postResult(url, CALL, RESULT, never);
    expect(headers.authorization).toBe(`Basic ${btoa('me:se cret')}`);
    expect(nameOf(url)).toBe(`http://${host}/path`);
  });

  it('is not followed elsewhere', async () => {
    let asked = 0;
    const host = await serve((_request, response) => {
      asked += 1;
      response.writeHead(307, { location: `http://${host}/other` }).end();
    });
    await expect(postResult(`http://${host}/`, CALL, RESULT, never)).rejects.toThrow('it answered 307');
    expect(asked).toBe(1);
  });

  it('that gives no answer is given up in time', async () => {
    const host = await serve(() => {});
    const failed = postResult(`http://${host}/`, CALL, RESULT, never, 50);
    await expect(failed).rejects.toThrow('it gave no answer for 50 ms');
  });
});
