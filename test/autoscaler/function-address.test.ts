import { describe, expect, it } from 'vitest';
import { unqualifiedName } from '../../autoscaler/gateway/function-address.ts';

describe('the name in an address', () => {
  it.each([
    ['infless', 'digits', 'digits'],
    ['infless', 'digits.infless', 'digits'],
    ['infless', 'digits.openfaas-fn', 'digits'], // what faas-cli makes of "invoke digits"
    ['infless', 'digits.other', 'digits.other'],
    ['infless', 'digits.infless.openfaas-fn', 'digits.infless'],
    ['infless', 'openfaas-fn', 'openfaas-fn'],
    ['infless', 'digits.', 'digits.'],
    ['openfaas-fn', 'digits.openfaas-fn', 'digits'],
    ['openfaas-fn', 'digits.infless', 'digits.infless'],
  ])('where %s is served, %s asks for %s', (namespace, address, name) => {
    expect(unqualifiedName(address, namespace)).toBe(name);
  });
});
