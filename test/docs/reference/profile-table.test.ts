import { expect, it } from 'vitest';
import { z } from 'zod';
import { profileTableSchema, verdictSchema } from '../../../profiles/table.ts';
import { fieldsOf, firstColumnOf, readPage } from '../pages.ts';

it('the page has every field of the schema, and no other', () => {
  const named = firstColumnOf(readPage('docs/reference/profile-table.md'));
  const documented = named.map((name) => name.replaceAll('[]', ''));
  const schema = z.toJSONSchema(profileTableSchema) as Parameters<typeof fieldsOf>[0];
  const fields = fieldsOf(schema).map((field) => field.replace(/^cells\./, ''));
  expect(fields.length).toBeGreaterThan(60);
  // Alternatives of null bring up the field that holds the rest.
  const leaves = fields.filter((field) => !fields.some((other) => other.startsWith(`${field}.`)));
  expect(leaves.filter((field) => !documented.includes(field))).toEqual([]);
  expect(documented.filter((field) => !fields.includes(field))).toEqual([]);
});

it('the page of profiling explains every verdict', () => {
  const page = readPage('docs/profile.md');
  expect(verdictSchema.options.filter((verdict) => !page.includes(`| \`${verdict}\` |`))).toEqual([]);
});
