import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { inferenceFunctionCrdYaml } from '../../../autoscaler/operator/crd.ts';
import { packageRoot } from '../../../models/base/package.ts';

it.each(['base/crd.yaml', 'chart/crds/crd.yaml'])('%s is what the schema says', async (file) => {
  const text = await readFile(join(packageRoot, 'autoscaler/deploy', file), 'utf8');
  expect(text, 'npm run build && npm run write:crd').toBe(inferenceFunctionCrdYaml());
});
