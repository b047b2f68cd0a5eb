import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AdminGuardRules,
  type AdminRequest,
  refusalOf,
} from '../../../../autoscaler/gateway/admin-guard/refusal.ts';

/** As a program on this machine sends it. */
const GOOD: AdminRequest = {
  area: 'api',
  host: 'localhost:8080',
  origin: undefined,
  fetchSite: undefined,
  contentType: 'application/json',
  hasBody: true,
  localAddress: '127.0.0.1',
};
const RULES: AdminGuardRules = { hostNames: new Set(['gateway.example', '0.0.0.0']) };
const WITH_LOGIN: AdminGuardRules = { hostNames: undefined };

function status(change: Partial<AdminRequest>, rules: AdminGuardRules = RULES): number | undefined {
  return refusalOf({ ...GOOD, ...change }, rules)?.status;
}

describe('a request of a web page', () => {
  it.each<[Partial<AdminRequest>, number | undefined]>([
    [{ origin: 'http://localhost:8080' }, undefined],
    [{ origin: 'http://localhost:8080', fetchSite: 'same-origin' }, undefined],
    [{ origin: 'https://localhost:8080' }, undefined], // TLS ends in front of us
    [{ host: 'gateway.example', origin: 'http://gateway.example' }, undefined],
    [{ host: 'gateway.example', origin: 'https://gateway.example' }, undefined],
    [{ host: 'gateway.example:443', origin: 'https://gateway.example' }, undefined],
    [{ host: 'LOCALHOST.:8080', origin: 'http://localhost.:8080' }, undefined],
    [{ host: '[::1]:8080', origin: 'http://[::1]:8080' }, undefined],
    [{ fetchSite: 'none' }, undefined],
    [{ fetchSite: 'same-origin' }, undefined],
    // another port of this machine, which sends no Origin with a simple GET
    [{ fetchSite: 'same-site' }, 403],
    [{ fetchSite: 'cross-site' }, 403],
    [{ fetchSite: 'cross-site', origin: 'http://localhost:8080' }, 403],
    [{ fetchSite: '' }, 403],
    [{ origin: 'http://other.example' }, 403],
    [{ origin: 'http://localhost:3000', fetchSite: 'same-site' }, 403],
    [{ origin: 'http://localhost' }, 403],
    [{ origin: 'http://127.0.0.1:8080' }, 403], // the same machine, and yet another origin
    [{ origin: 'http://localhost:8080.other.example' }, 403],
    [{ origin: 'http://other.example@localhost:8080' }, 403],
    [{ origin: 'http://localhost:8080/' }, 403],
    [{ origin: 'http://localhost:8080, http://other.example' }, 403],
    [{ origin: 'chrome-extension://localhost:8080' }, 403],
    [{ origin: 'null' }, 403],
    [{ origin: '' }, 403],
    [{ origin: 'http://localhost:8080', host: undefined }, 403],
    // DNS rebinding: its own origin, at our address
    [{ origin: 'http://other.example', host: 'other.example' }, 421],
  ])('%j: %s', (change, expected) => {
    expect(status(change)).toBe(expected);
    expect(status({ ...change, area: 'system' })).toBe(expected);
  });

  it('is refused where there is a login, too, for browsers remember logins', () => {
    expect(status({ origin: 'http://other.example' }, WITH_LOGIN)).toBe(403);
    expect(status({ fetchSite: 'cross-site' }, WITH_LOGIN)).toBe(403);
  });
});

describe('a name in Host', () => {
  it.each<[Partial<AdminRequest>, number | undefined]>([
    [{ host: 'localhost' }, undefined],
    [{ host: 'localhost.:1' }, undefined],
    [{ host: 'LOCALHOST:8080' }, undefined],
    [{ host: 'x.localhost:8080' }, undefined],
    [{ host: '127.9.9.9' }, undefined],
    [{ host: '[::1]:8080' }, undefined],
    [{ host: 'Gateway.Example.:9' }, undefined],
    [{ host: '0.0.0.0:8080' }, undefined],
    [{ host: undefined }, undefined], // HTTP/1.0
    [{ host: '10.0.0.5:8080', localAddress: '10.0.0.5' }, undefined],
    [{ host: '10.0.0.5:8080', localAddress: '::ffff:10.0.0.5' }, undefined],
    [{ host: '[fe80::1]:8080', localAddress: 'fe80::1%eth0' }, undefined],
    [{ host: '10.0.0.6:8080', localAddress: '10.0.0.5' }, 421],
    [{ host: '10.0.0.5:8080', localAddress: undefined }, 421],
    [{ host: 'other.example' }, 421],
    [{ host: 'other.gateway.example' }, 421],
    [{ host: 'localhost.other.example' }, 421],
    [{ host: '127.0.0.1.other.example' }, 421],
    [{ host: 'localhost, other.example' }, 421],
    [{ host: '' }, 421],
  ])('%j: %s', (change, expected) => {
    expect(status(change)).toBe(expected);
    expect(status({ ...change, area: 'system' })).toBe(expected);
    expect(status(change, WITH_LOGIN)).toBeUndefined();
  });

  it('that is refused is told with all that helps', () => {
    expect(refusalOf({ ...GOOD, host: 'other.example:8080' }, RULES)?.message).toBe(
      '"other.example" is no name of this gateway, as far as it knows. Use localhost or the address given with --host, ' +
        'start it with --allow-host other.example, or ask for a login (--basic-auth-dir): then any name will do.',
    );
  });
});

describe('a body', () => {
  it.each<[string | undefined, number | undefined, number | undefined]>([
    ['application/json', undefined, undefined],
    ['Application/JSON; charset=utf-8', undefined, undefined],
    [' application/json ;charset="utf-8"', undefined, undefined],
    [undefined, 415, undefined],
    ['', 415, undefined],
    ['text/plain', 415, 415],
    ['text/plain;charset=UTF-8', 415, 415],
    ['text/json', 415, 415],
    ['application/x-www-form-urlencoded', 415, 415],
    ['multipart/form-data; boundary=x', 415, 415],
    ['application/octet-stream', 415, 415],
    ['application/json-seq', 415, 415],
    ['application/jsonx', 415, 415],
    ['text/plain, application/json', 415, 415],
    ['application/json, text/plain', 415, 415],
    ['application/json;x=y, text/plain', 415, 415],
    ['text/plain; application/json', 415, 415],
    ['json', 415, 415],
  ])('of type %j: %s below /api, %s below /system', (contentType, api, system) => {
    expect(status({ contentType })).toBe(api);
    expect(status({ contentType, area: 'system' })).toBe(system);
    expect(status({ contentType, hasBody: false })).toBeUndefined();
  });
});

describe('whatever else a request says', () => {
  const header = fc.option(
    fc.oneof(
      fc.string(),
      fc.constantFrom(
        'localhost:8080',
        'http://localhost:8080',
        'https://localhost:8080',
        'application/json',
        'same-origin',
        'none',
      ),
    ),
    { nil: undefined },
  );
  const requests: fc.Arbitrary<AdminRequest> = fc.record({
    area: fc.constantFrom('api' as const, 'system' as const),
    host: header,
    origin: header,
    fetchSite: header,
    contentType: header,
    hasBody: fc.boolean(),
    localAddress: fc.constantFrom('127.0.0.1', '10.0.0.5', undefined),
  });
  const rules = fc.constantFrom(RULES, WITH_LOGIN);
  const domain = fc.domain().filter((name) => !name.endsWith('.localhost') && name !== 'gateway.example');

  it('a page of another host does not pass', () => {
    fc.assert(
      fc.property(requests, rules, domain, (request, given, other) => {
        const host = 'localhost:8080';
        expect(refusalOf({ ...request, host, origin: `http://${other}` }, given)?.status).toBe(403);
        expect(refusalOf({ ...request, fetchSite: 'cross-site' }, given)?.status).toBe(403);
      }),
    );
  });

  it('a name that is not ours does not pass without a login', () => {
    fc.assert(
      fc.property(requests, domain, (request, host) => {
        expect([403, 421]).toContain(refusalOf({ ...request, host }, RULES)?.status);
      }),
    );
  });

  it('a body of a type that a page may send unasked does not pass', () => {
    const simple = fc.constantFrom(
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=b',
    );
    fc.assert(
      fc.property(requests, rules, simple, (request, given, contentType) => {
        expect(refusalOf({ ...request, contentType, hasBody: true }, given)).toBeDefined();
      }),
    );
  });

  it('it passes once its origin, its host and its type are right', () => {
    fc.assert(
      fc.property(requests, rules, (request, given) => {
        const own = { host: 'localhost:8080', fetchSite: 'same-origin', contentType: 'application/json' };
        expect(refusalOf({ ...request, ...own, origin: 'http://localhost:8080' }, given)).toBeUndefined();
      }),
    );
  });
});
