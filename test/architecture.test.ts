import { expect, test } from 'vitest';
import { EXCEPTIONS } from './architecture/exceptions.ts';
import { findingsOf } from './architecture/findings.ts';
import { MAY_IMPORT } from './architecture/import-rules.ts';
import { sourcesIn } from './architecture/sources.ts';

const sources = Object.keys(MAY_IMPORT['']!).flatMap(sourcesIn);
const findings = findingsOf(sources, sourcesIn('test'));

test('the code is read', () => {
  expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(1000);
});

test.each(Object.keys(EXCEPTIONS) as (keyof typeof EXCEPTIONS)[])(
  'the layout keeps its rules: %s',
  (rule) => {
    expect(findings[rule]).toEqual(EXCEPTIONS[rule]);
  },
);
