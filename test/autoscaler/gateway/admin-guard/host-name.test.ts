import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  hostNameOf,
  isLoopbackName,
  isSameAddress,
  parseHostName,
} from '../../../../autoscaler/gateway/admin-guard/host-name.ts';

describe('the name in a Host header', () => {
  it.each([
    ['localhost', 'localhost'],
    ['LocalHost:8080', 'localhost'],
    ['localhost.', 'localhost'],
    ['localhost.:8080', 'localhost'],
    ['localhost:', 'localhost'],
    ['Gateway.Example.:80', 'gateway.example'],
    ['127.0.0.1:8080', '127.0.0.1'],
    ['127.1', '127.0.0.1'],
    ['[::1]', '::1'],
    ['[0:0:0:0:0:0:0:1]:8080', '::1'],
    ['', undefined],
    [':8080', undefined],
    ['.', undefined],
    ['a b', undefined],
    ['localhost:99999', undefined],
    ['localhost:http', undefined],
    ['::1', undefined],
    ['[::1', undefined],
    ['localhost, other.example', undefined],
    ['localhost/', undefined],
    ['localhost#', undefined],
    ['localhost?', undefined],
    ['localhost\\.other.example', undefined],
    ['other.example@localhost', undefined],
  ])('of %j is %j', (authority, name) => {
    expect(hostNameOf(authority)).toBe(name);
  });
});

describe('a name that is given to an option', () => {
  it.each([
    ['Gateway.Example', 'gateway.example'],
    ['10.0.0.5', '10.0.0.5'],
    ['::1', '::1'],
    ['[::1]', '::1'],
    ['FE80::1%eth0', 'fe80::1'],
    ['gateway.example:8080', undefined],
    ['http://gateway.example', undefined],
    ['[::1]:8080', undefined],
    ['', undefined],
  ])('%j is %j', (text, name) => {
    expect(parseHostName(text)).toBe(name);
  });
});

describe('a loopback name', () => {
  it.each(['localhost', 'a.localhost', 'a.b.localhost', '127.0.0.1', '127.255.0.9', '::1', '::ffff:7f00:1'])(
    '%s is one',
    (name) => {
      expect(isLoopbackName(name)).toBe(true);
    },
  );

  it.each([
    'localhost.example',
    'notlocalhost',
    '127.0.0.1.example',
    '127.example',
    '128.0.0.1',
    '0.0.0.0',
    '10.0.0.1',
    '::2',
    '::',
    '::ffff:a00:1',
  ])('%s is none', (name) => {
    expect(isLoopbackName(name)).toBe(false);
  });

  it('is one at any port', () => {
    const names = fc.oneof(
      fc.constantFrom('localhost', '[::1]', 'x.localhost'),
      fc.nat({ max: 0xff_ff_ff }).map((n) => `127.${n >> 16}.${(n >> 8) & 255}.${n & 255}`),
    );
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 65_535 }), (name, port) => {
        expect(isLoopbackName(hostNameOf(`${name}:${port}`)!)).toBe(true);
      }),
    );
  });
});

it.each([
  ['10.0.0.5', '10.0.0.5', true],
  ['10.0.0.5', '::ffff:10.0.0.5', true],
  ['::ffff:a00:5', '::ffff:10.0.0.5', true],
  ['fe80::1', 'fe80:0::1%eth0', true],
  ['10.0.0.5', '10.0.0.6', false],
  ['::1', '127.0.0.1', false],
  ['gateway.example', 'gateway.example', false], // a name can mean another machine tomorrow
])('%s and %s: the same address? %s', (one, other, isSame) => {
  expect(isSameAddress(one, other)).toBe(isSame);
});
