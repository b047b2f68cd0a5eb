import { expect, test } from 'vitest';
import { parseChallenges } from '../../../../packager/registry/auth/challenge.ts';

function read(header: string): unknown {
  return parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
}

test.each([
  ['Basic realm="a registry"', [['basic', { realm: 'a registry' }]]],
  [
    'Bearer realm="https://auth.example/token",service="r.example",scope="repository:a/b:pull,push"',
    [
      [
        'bearer',
        { realm: 'https://auth.example/token', service: 'r.example', scope: 'repository:a/b:pull,push' },
      ],
    ],
  ],
  [
    'Negotiate, Basic realm=plain , BEARER Realm="a \\"b\\"", error="invalid_token"',
    [
      ['negotiate', {}],
      ['basic', { realm: 'plain' }],
      ['bearer', { realm: 'a "b"', error: 'invalid_token' }],
    ],
  ],
  ['', []],
  ['realm="no scheme"', []],
  ['Basic realm="never closed', [['basic', { realm: '' }]]],
])('%s', (header, challenges) => {
  expect(read(header)).toEqual(challenges);
});
