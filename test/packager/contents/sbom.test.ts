import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { expect, it, vi } from 'vitest';
import { packageRoot } from '../../../models/base/package.ts';
import { runtimePackages } from '../../../packager/contents/runtime/packages.ts';
import { servingProgram } from '../../../packager/contents/runtime/program.ts';
import { sbomText } from '../../../packager/contents/sbom.ts';

const MODEL = {
  name: 'net',
  format: 'onnx',
  digest: `sha256:${'a'.repeat(64)}`,
  sizeBytes: 1,
  inputs: [{ name: 'x', dtype: 'float32', shape: [null], batchAxis: 0 }],
  outputs: [{ name: 'y', dtype: 'float32', shape: [null], batchAxis: 0 }],
} as const;

interface Sbom {
  readonly metadata: { timestamp: string; component: { name: string; version: string } };
  readonly components: readonly { type: string; name: string; 'bom-ref': string; licenses?: unknown[] }[];
  readonly dependencies: readonly { ref: string; dependsOn?: string[] }[];
}

async function text(packageFolders: readonly string[]): Promise<string> {
  const base = { name: 'node:22', digest: `sha256:${'b'.repeat(64)}` };
  return sbomText({
    model: { ...MODEL, inputs: [...MODEL.inputs], outputs: [...MODEL.outputs] } as never,
    name: 'net',
    version: '7',
    base,
    packageFolders,
  });
}

it('is CycloneDX, by its own schema', async () => {
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  expect(await validator.validate(await text(await runtimePackages(servingProgram('onnx'))))).toBeNull();
});

it('names the model, the base and every package with its licence', async () => {
  const sbom = JSON.parse(await text(await runtimePackages(servingProgram('onnx')))) as Sbom;
  expect(sbom.metadata.component).toMatchObject({ name: 'net', version: '7' });
  const { components } = sbom;
  expect(components.find(({ type }) => type === 'machine-learning-model')).toMatchObject({
    name: 'net',
    hashes: [{ alg: 'SHA-256', content: 'a'.repeat(64) }],
  });
  expect(components.find(({ type }) => type === 'container')).toMatchObject({ name: 'node:22' });
  const packages = components.filter(({ type }) => type === 'library');
  expect(packages.filter(({ licenses }) => licenses === undefined)).toEqual([]);
  expect(packages.map((component) => component['bom-ref'])).toContainEqual(
    expect.stringMatching(/^pkg:npm\/%40fastify\/error@\d/),
  );
  const image = sbom.dependencies.find(({ ref }) => ref === 'image');
  expect(image?.dependsOn).toHaveLength(components.length);
});

it('has a package once that is installed twice, as pnpm links it', async () => {
  expect(await text([packageRoot, `${packageRoot}/.`])).toBe(await text([packageRoot]));
});

it('is the same each time, and bears the time that the image bears', async () => {
  const first = await text([packageRoot]);
  expect(await text([packageRoot])).toBe(first);
  expect((JSON.parse(first) as Sbom).metadata.timestamp).toBe('1970-01-01T00:00:00.000Z');
  vi.stubEnv('SOURCE_DATE_EPOCH', '1700000000');
  expect((JSON.parse(await text([packageRoot])) as Sbom).metadata.timestamp).toBe('2023-11-14T22:13:20.000Z');
  vi.unstubAllEnvs();
});
