/** A share as a percentage, with as many decimals as keep 99.95 % from looking like 100 %. */
export function percent(share: number): string {
  const value = share * 100;
  const distance = Math.min(value, 100 - value);
  const decimals = distance === 0 ? 0 : distance < 0.1 ? 3 : distance < 10 ? 2 : 1;
  return `${value.toFixed(decimals)} %`;
}

/** A number with three significant digits or, from a thousand on, without decimals. */
export function short(value: number): string {
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  if (magnitude >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** `2 nodes`, `1 node`. */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}
