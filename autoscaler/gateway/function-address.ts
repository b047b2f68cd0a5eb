/** What OpenFaaS calls the namespace of functions unless told otherwise: the name of the one there is on one machine. */
export const DEFAULT_NAMESPACE = 'openfaas-fn';

/** `NAME.NAMESPACE`, as OpenFaaS names a function in addresses and metrics. */
export function qualifiedName(name: string, namespace: string): string {
  return `${name}.${namespace}`;
}

/**
 * The function that `NAME` or `NAME.NAMESPACE` stands for. No name of ours has a dot in it, so whatever has one and
 * does not end in our namespace is the name of no function.
 */
export function unqualifiedName(address: string, namespace: string): string {
  const dot = address.lastIndexOf('.');
  return dot >= 0 && address.slice(dot + 1) === namespace ? address.slice(0, dot) : address;
}
