import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ApiDouble } from './api-double.ts';
import type { ApiServer } from './api-server.ts';
import { ApiContract, pod } from './contract/api-contract.ts';
import { applyRules } from './contract/apply.ts';
import { customKindRules } from './contract/custom-kinds.ts';
import { deletionRules } from './contract/deletion.ts';
import { objectRules } from './contract/objects.ts';
import { readRules } from './contract/reads.ts';
import { writeRules } from './contract/writes.ts';
import { RealApiServer } from './real-api-server.ts';

const binaries = process.env.KUBEBUILDER_ASSETS ?? '';

const KINDS = [
  { kind: 'double', start: (): Promise<ApiServer> => ApiDouble.start(), isThere: true },
  { kind: 'real', start: (): Promise<ApiServer> => RealApiServer.start(binaries), isThere: binaries !== '' },
];

// What the double does is worth nothing where the real one does something else: both are asked the same.
describe.each(KINDS)('the $kind API server', ({ start, isThere, kind }) => {
  const api = new ApiContract();

  beforeAll(async () => {
    if (isThere) api.server = await start();
  }, 120_000);
  afterAll(() => api.server?.close());
  beforeEach(async (context) => {
    context.skip(!isThere, `needs KUBEBUILDER_ASSETS for the ${kind} one`);
    await api.enter();
  });
  afterEach(() => api.leave());

  objectRules(api);
  writeRules(api);
  applyRules(api);
  readRules(api);
  deletionRules(api);
  customKindRules(api);

  it('is away during an outage, and has kept everything', async () => {
    const { server, pods } = api.there;
    const { metadata } = await server.requests.create(pods, pod('a'));
    await server.outage(async () => {
      await expect(server.requests.get(pods)).rejects.toThrow();
    });
    expect((await server.requests.get(`${pods}/a`)).metadata.uid).toBe(metadata.uid);
  });

  it('tells what it serves', async () => {
    const { server } = api.there;
    expect(await server.requests.text('GET', '/readyz')).toBe('ok');
    expect(await server.requests.get('/version')).toMatchObject({ major: '1' });
    const { resources } = await server.requests.get('/api/v1');
    expect(resources).toContainEqual(
      expect.objectContaining({ name: 'pods', kind: 'Pod', namespaced: true }),
    );
    const { groups } = await server.requests.get('/apis');
    expect(groups).toContainEqual(expect.objectContaining({ name: 'coordination.k8s.io' }));
  });
});
