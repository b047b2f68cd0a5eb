import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chooseProvider } from '../../../autoscaler/functions/provider-choice.ts';
import { parseFunctionSpec } from '../../../autoscaler/functions/spec.ts';
import { packageRoot } from '../../../models/base/package.ts';
import { SERVER_ENVIRONMENT } from '../../../packager/server/instance-protocol.ts';
import type { ProfileTable } from '../../../profiles/table.ts';
import { readTable } from '../../../profiles/table-file.ts';

const DECLARATION = { name: 'f', model: 'mnist', slo: '100ms' };

const table = await readTable(join(packageRoot, 'profiles/mobilenet-epyc.json'));

function measuredWith(provider: string | undefined): ProfileTable {
  if (provider === undefined) return table;
  return { ...table, accelerator: { provider, gpu: 'T4', driverVersion: null, cpuNodes: null } };
}

const choose = (declared: object, provider?: string) =>
  chooseProvider(parseFunctionSpec({ ...DECLARATION, ...declared }, 'f'), 'onnx', measuredWith(provider));

describe("a function's provider", () => {
  it('is what its table was measured with', async () => {
    expect(await choose({}, 'cuda')).toEqual({
      limits: {},
      environment: { [SERVER_ENVIRONMENT.provider]: 'cuda' },
    });
    expect((await choose({ provider: 'cuda' }, 'cuda')).environment).toEqual({ INFLESS_PROVIDER: 'cuda' });
  });

  it("is the engine's own choice where neither says", async () => {
    expect(await choose({})).toEqual({ limits: {}, environment: {} });
  });

  it('keeps it off GPUs where it is the CPU, whatever else is limited', async () => {
    expect(await choose({ provider: 'cpu', limits: { cpu: 2, gpu: 50 } }, 'cuda')).toEqual({
      limits: { cpu: 2, gpu: 0 },
      environment: {},
    });
  });

  it('is refused where the engine has none of that name, with those that it has', async () => {
    await expect(choose({ provider: 'rocm' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      sentence: expect.stringMatching(/^Function "f" asks for the provider "rocm", .* Choose one of cpu, /),
    });
  });

  it('is refused where its times are those of another', async () => {
    await expect(choose({ provider: 'webgpu' }, 'cuda')).rejects.toMatchObject({
      code: 'PROFILE_INVALID',
      sentence: expect.stringContaining('infless-profile --provider webgpu'),
    });
  });

  it('must be a name', () => {
    expect(() => parseFunctionSpec({ ...DECLARATION, provider: 'CUDA!' }, 'Function f')).toThrow(
      'must be a name like cpu, cuda or tensorrt',
    );
  });
});
