import { expect, it } from 'vitest';
import { inferenceFunctionCrd } from '../../../autoscaler/operator/crd.ts';
import { fieldsOf, firstColumnOf, readPage } from '../pages.ts';

interface Definition {
  readonly spec: {
    readonly versions: readonly {
      readonly schema: {
        readonly openAPIV3Schema: {
          readonly properties: Readonly<Record<'spec' | 'status', Parameters<typeof fieldsOf>[0]>>;
        };
      };
    }[];
  };
}

const page = readPage('docs/reference/inference-function.md');

it.each(['spec', 'status'] as const)('the page has every field of the %s, and no other', (part) => {
  const { spec } = inferenceFunctionCrd() as Definition;
  const fields = fieldsOf(spec.versions[0]!.schema.openAPIV3Schema.properties[part]);
  const section = page.split(/^## /m).find((each) => each.startsWith(`${part}\n`))!;
  const documented = firstColumnOf(section).map((name) => name.replaceAll('[]', ''));
  expect(fields.length).toBeGreaterThan(10);
  expect(documented.toSorted()).toEqual(fields.toSorted());
});
