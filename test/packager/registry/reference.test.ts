import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatReference, parseReference } from '../../../packager/registry/reference.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}` as const;

describe('parseReference', () => {
  test.each([
    ['node', { registry: 'docker.io', repository: 'library/node', tag: 'latest' }],
    ['node:22-slim', { registry: 'docker.io', repository: 'library/node', tag: '22-slim' }],
    ['team/model', { registry: 'docker.io', repository: 'team/model', tag: 'latest' }],
    ['index.docker.io/team/model', { registry: 'docker.io', repository: 'team/model', tag: 'latest' }],
    ['localhost/m', { registry: 'localhost', repository: 'm', tag: 'latest' }],
    ['localhost:5000/m:v1', { registry: 'localhost:5000', repository: 'm', tag: 'v1' }],
    ['[::1]:5000/m', { registry: '[::1]:5000', repository: 'm', tag: 'latest' }],
    ['gcr.io/a/b/c_d:x', { registry: 'gcr.io', repository: 'a/b/c_d', tag: 'x' }],
    [`gcr.io/a@${DIGEST}`, { registry: 'gcr.io', repository: 'a', digest: DIGEST }],
    [`gcr.io/a:v1@${DIGEST}`, { registry: 'gcr.io', repository: 'a', tag: 'v1', digest: DIGEST }],
  ])('%s', (text, reference) => {
    expect(parseReference(text)).toEqual(reference);
  });

  test.each([
    ['', 'the repository is missing'],
    ['r.example/', 'the repository is missing'],
    ['r.example/m:', 'the tag "" must be'],
    ['r.example/m:-v1', 'the tag "-v1" must be'],
    ['r.example/m:a b', 'the tag "a b" must be'],
    [`r.example/m:${'x'.repeat(129)}`, 'must be 1 to 128 letters'],
    ['r.example/Model', 'the repository "Model" must be in lower case'],
    ['r.example/../m', 'the repository "../m" must be lower-case words'],
    ['r.example//m', 'the repository "/m" must be lower-case words'],
    ['https://r.example/m', '"https:" is no registry'],
    ['r.example:0/m', '"r.example:0" is no registry'],
    ['r.example:99999/m', '"r.example:99999" is no registry'],
    ['r.example/m@sha256:12', 'its digest is not sha256: and 64'],
    [`r.example/m@${DIGEST}@${DIGEST}`, 'more than one "@"'],
    [`r.example/${'m'.repeat(250)}`, 'longer than 255 characters'],
  ])('%s is refused', (text, why) => {
    expect(() => parseReference(text)).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', message: expect.stringContaining(why) }),
    );
  });

  test('reads again what it wrote', () => {
    const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    const reference = fc.record(
      {
        registry: fc.constantFrom('docker.io', 'localhost:5000', 'r.example', '10.0.0.1:443', '[::1]:80'),
        repository: fc.tuple(word, word, word).map((words) => words.join('/')),
        tag: fc.stringMatching(/^\w[\w.-]{0,12}$/),
        digest: fc.constant(DIGEST),
      },
      { requiredKeys: ['registry', 'repository', 'tag'] },
    );
    fc.assert(
      fc.property(reference, (it) => {
        expect(parseReference(formatReference(it))).toEqual(it);
      }),
    );
  });
});
