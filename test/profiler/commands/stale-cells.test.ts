import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readStaleCells } from '../../../profiler/commands/stale-cells.ts';

const config = { batch: 4, cpuMillicores: 500, gpuPercent: 0 };
const status = JSON.stringify({ name: 'net', tableMismatches: [{ config, slowdown: 2 }] });

it('cells are read as summaries name them', async () => {
  expect(await readStaleCells('b4c0.5, b8 c1 g20')).toEqual([
    config,
    { batch: 8, cpuMillicores: 1000, gpuPercent: 20 },
  ]);
  expect(await readStaleCells(true)).toBe('frontier');
});

it('cells are read from the status of a function, in a file or from its gateway', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'infless-stale-'));
  const file = join(folder, 'status.json');
  await writeFile(file, status);
  const server = createServer((asked, answer) =>
    asked.url === '/api/functions/net' ? answer.end(status) : answer.writeHead(404).end(),
  ).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/functions`;
  try {
    expect(await readStaleCells(file)).toEqual([config]);
    expect(await readStaleCells(`${url}/net`)).toEqual([config]);
    await expect(readStaleCells(`${url}/other`)).rejects.toThrow(/\(status 404\)/);
    await writeFile(file, '{"tableMismatches": []}');
    await expect(readStaleCells(file)).rejects.toThrow('the table matches');
    await writeFile(file, '[]');
    await expect(readStaleCells(file)).rejects.toThrow(/is not valid/);
  } finally {
    server.close();
    await rm(folder, { recursive: true });
  }
});

it('anything else is told in one sentence', async () => {
  await expect(readStaleCells('b4c0.5,all')).rejects.toThrow(
    '--refresh "b4c0.5,all" is neither cells, nor an address, nor a file that can be read',
  );
});
