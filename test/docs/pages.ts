import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../models/base/package.ts';

/** Every page that a reader can get to, by its path from the root. */
export function pages(): string[] {
  const docs = readdirSync(join(packageRoot, 'docs'), { recursive: true, encoding: 'utf8' });
  return [
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'profiles/README.md',
    ...docs.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
  ];
}

export function readPage(path: string): string {
  return readFileSync(join(packageRoot, path), 'utf8');
}

/** The text of a page outside of its code. */
export function proseOf(page: string): string {
  return page.replaceAll(/^```.*?^```/gms, '').replaceAll(/`[^`\n]*`/g, '');
}

/** What GitHub lets a page's headings be linked by. */
export function anchorsOf(page: string): string[] {
  const headings = page.replaceAll(/^```.*?^```/gms, '').matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** What stands in backticks in the first column of all tables of a page. */
export function firstColumnOf(page: string): string[] {
  const rows = [...page.matchAll(/^\| *(`[^|]+`[^|]*)\|/gm)];
  return rows.flatMap(([, cell]) => [...cell!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!));
}

/** Fields of a JSON schema that hold values, as `outer.inner`. */
export function fieldsOf(schema: JsonSchema, path = ''): string[] {
  const { properties, items, anyOf = [] } = schema;
  if (items !== undefined) return fieldsOf(items, path);
  const inside = Object.entries(properties ?? {}).flatMap(([name, inner]) =>
    fieldsOf(inner, path === '' ? name : `${path}.${name}`),
  );
  const alternatives = anyOf.flatMap((each) => fieldsOf(each, path));
  const all = [...inside, ...alternatives];
  return [...new Set(all.length === 0 ? [path] : all)];
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}
