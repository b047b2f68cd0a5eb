import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  inferenceFunctionCrd,
  inferenceFunctionCrdYaml,
} from '../../../../autoscaler/functions/kubernetes/crd.ts';
import { packageRoot } from '../../../../models/base/package.ts';
import { fieldsOf, nodesOf, type SchemaNode } from '../../../support/kubernetes/schema-nodes.ts';

it.each(['base/crd.yaml', 'chart/crds/crd.yaml'])('%s is what the schema says', async (file) => {
  const text = await readFile(join(packageRoot, 'autoscaler/deploy', file), 'utf8');
  expect(text, 'npm run build && npm run write:crd').toBe(inferenceFunctionCrdYaml());
});

// The API server checks a default as it is written: a rule that reads a field that is not there makes it
// refuse them all.
it('has no rule that stumbles over a missing field', () => {
  const { spec } = inferenceFunctionCrd() as {
    spec: { versions: { schema: { openAPIV3Schema: SchemaNode } }[] };
  };
  const rules = nodesOf(spec.versions[0]!.schema.openAPIV3Schema).flatMap(
    ({ node }) => node['x-kubernetes-validations'] ?? [],
  );
  expect(rules).not.toEqual([]);
  for (const rule of rules) {
    for (const field of fieldsOf(rule)) expect(rule.rule).toContain(`!has(self.${field}) || `);
  }
});
