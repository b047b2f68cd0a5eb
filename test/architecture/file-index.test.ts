import { expect, test } from 'vitest';
import { explainedFiles, fileIndexErrors } from './file-index.ts';

const PAGE = `# Page

- \`before\`: is not in the section.

## File by file

**\`a/b\`** (a remark)

- \`one\`: takes \`flag\`: a word, and \`two\` beside it.
- \`three\`, \`four\`: of two files. \`five-and-more\`: of another.

**\`a\`**

- \`one\`: the same name elsewhere.

## Rules

- \`after\`: is not in it either.
`;

test('the names that a line explains are read under the folder that they stand under', () => {
  expect(explainedFiles(PAGE)).toEqual([
    'a/b/one.ts',
    'a/b/three.ts',
    'a/b/four.ts',
    'a/b/five-and-more.ts',
    'a/one.ts',
  ]);
});

test('a page without the section is told', () => {
  expect(() => explainedFiles('# Page\n')).toThrow('has no section "## File by file"');
});

test('a file that the page does not explain is told, with the folder under which it belongs', () => {
  const errors = fileIndexErrors([{ path: 'autoscaler/dispatch/unheard-of.ts', text: '', imports: [] }]);
  expect(errors).toContain(
    'docs/architecture.md, "File by file": `unheard-of` is missing under autoscaler/dispatch',
  );
  expect(errors).toContain(
    'docs/architecture.md, "File by file": `dispatcher` under autoscaler/dispatch is no file',
  );
});
