import { BlockList, isIP, isIPv6 } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/**
 * The name or address in a `Host` header as it is compared: lower case, without port, brackets and final dot.
 *
 * @returns undefined for what is no host
 */
export function hostNameOf(authority: string): string | undefined {
  if (/[\s/?#@\\]/.test(authority) || !URL.canParse(`http://${authority}`)) return undefined;
  const { hostname } = new URL(`http://${authority}`);
  const name = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname.replace(/\.$/, '');
  return name === '' ? undefined : name;
}

/**
 * A name or address as people give it to an option: without a port, an IPv6 address with or without brackets.
 *
 * @returns undefined for what is neither
 */
export function parseHostName(text: string): string | undefined {
  const address = withoutZone(text);
  if (isIPv6(address)) return hostNameOf(`[${address}]`);
  const hasPort = /:/.test(text.replace(/^\[.*\]/, ''));
  return hasPort ? undefined : hostNameOf(text);
}

/** Whether a name, as {@link hostNameOf} gives it, means this machine wherever it is asked for. */
export function isLoopbackName(name: string): boolean {
  if (isIP(name) !== 0) return loopback.check(name, familyOf(name));
  return name === 'localhost' || name.endsWith('.localhost');
}

/** Whether both are IP addresses, and the same one: `::ffff:10.0.0.5` is `10.0.0.5`. */
export function isSameAddress(one: string, other: string): boolean {
  const [first, second] = [withoutZone(one), withoutZone(other)];
  if (isIP(first) === 0 || isIP(second) === 0) return false;
  const only = new BlockList();
  only.addAddress(first, familyOf(first));
  return only.check(second, familyOf(second));
}

/** A link-local address names the interface it is of, which no `Host` header does. */
function withoutZone(address: string): string {
  return address.replace(/%.*$/, '');
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}
