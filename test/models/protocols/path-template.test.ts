import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeName,
  fillPath,
  pathEndPattern,
  pathPattern,
  shortPath,
} from '../../../models/protocols/path-template.ts';

const PREDICT = '/v1/models/NAME[/versions/VERSION]:predict';

describe('a template of paths', () => {
  it.each([
    [PREDICT, '/v1/models/m:predict', ['m', undefined]],
    [PREDICT, '/v1/models/m/versions/2:predict/', ['m', '2']],
    ['/v1/models', '/v1/models/', []],
    ['/', '/', []],
    ['/v2/models/NAME…', '/v2/models/m/no/such', ['m']],
  ])('%s matches %s', (template, path, groups) => {
    expect(pathPattern(template).exec(path)?.slice(1)).toEqual(groups);
  });

  it.each([
    [PREDICT, '/v1/models/:predict'],
    [PREDICT, '/v1/models/m/versions/:predict'],
    [PREDICT, '/function/f/v1/models/m:predict'],
    [PREDICT, '/v1/models/m:predicted'],
    ['/v1/models', '/v1/models/m'],
  ])('%s does not match %s', (template, path) => {
    expect(pathPattern(template).test(path)).toBe(false);
  });

  it('matches the end of a longer path', () => {
    const match = pathEndPattern(PREDICT).exec('/function/f/v1/models/m:predict');
    expect(match?.slice(1)).toEqual(['/function/f', 'm', undefined]);
  });

  it('is filled with any name and matched again', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1 });
    fc.assert(
      fc.property(name, fc.option(name, { nil: undefined }), (model, version) => {
        const path = fillPath(PREDICT, { model, version });
        const [, name, number] = pathPattern(PREDICT).exec(path)!;
        expect(decodeName(name!)).toBe(model);
        expect(number && decodeName(number)).toBe(version);
      }),
    );
  });

  it('is read aloud without what may be left out', () => {
    expect(shortPath(PREDICT)).toBe('/v1/models/NAME:predict');
  });
});

it('a name that is no percent-encoding is taken as it was sent', () => {
  expect([decodeName('m%6e'), decodeName('%zz')]).toEqual(['mn', '%zz']);
});
