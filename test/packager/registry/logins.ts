import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

/** What `docker login` leaves behind. */
export async function logIn(home: string, registry: string, entry: object): Promise<void> {
  const folder = join(home, '.docker');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), JSON.stringify({ auths: { [registry]: entry } }));
}

/** An entry of its file. */
export const password = (user: string, secret: string) => ({
  auth: Buffer.from(`${user}:${secret}`).toString('base64'),
});

/** A token service; `answer` decides on each request's parameters. */
export async function tokenService(
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
