/**
 * OpenFaaS' default namespace of functions: the only one on one machine, and what its clients send for none.
 */
export const DEFAULT_NAMESPACE = 'openfaas-fn';

/** `NAME.NAMESPACE`, as OpenFaaS names a function in addresses and metrics. */
export function qualifiedName(name: string, namespace: string): string {
  return `${name}.${namespace}`;
}

/**
 * The function that `NAME` or `NAME.NAMESPACE` stands for, where `namespace` is served. OpenFaaS' clients
 * send {@link DEFAULT_NAMESPACE} when none was named, and mean the one that is served, whatever that is
 * called. No function has a dot in its name, so an address that ends in any other namespace is the name of no
 * function.
 */
export function unqualifiedName(address: string, namespace: string): string {
  const dot = address.lastIndexOf('.');
  const asked = address.slice(dot + 1);
  const isServed = asked === namespace || asked === DEFAULT_NAMESPACE;
  return dot >= 0 && isServed ? address.slice(0, dot) : address;
}
