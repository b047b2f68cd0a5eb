import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../../../../models/base/package.ts';
import { needs, runTool } from '../../../support/tools.ts';
import { ServerProcess } from '../server-process.ts';

const server = new ServerProcess({ model: 'mnist' });
let folder: string;
let examples: string[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-docs-'));
  const page = await readFile(join(packageRoot, 'docs/protocols.md'), 'utf8');
  const protocols = page.slice(page.indexOf('## Protocols'));
  examples = [...protocols.matchAll(/```sh\n(.*?)```/gs)].map(([, code]) => code!);
  await server.listening();
  await server.ready();
});
afterAll(async () => {
  await server.kill();
  await rm(folder, { recursive: true });
});

test('the calls that docs/protocols.md shows are answered', (context) => {
  needs(context, 'curl', 'bash');
  expect(examples).toHaveLength(2);
  for (const example of examples) {
    const script = `set -e; cd ${folder}; ${example.replaceAll('http://127.0.0.1:8080', server.url)}`;
    expect(runTool('bash', '-c', script)).toMatch(/"predictions"/);
  }
});
