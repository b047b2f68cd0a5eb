import type { ProfileTable } from '../../profiles/table.ts';

/** Three significant digits: what a measurement like this is worth. */
export function short(value: number): string {
  if (value === 0) return '0';
  if (value >= 100) return value.toFixed(0);
  return value >= 1 ? value.toPrecision(3) : value.toFixed(value >= 0.1 ? 2 : 3);
}

/** `±3 % at 95 % confidence`. */
export function confidenceOf({ confidence }: Pick<ProfileTable, 'confidence'>): string {
  return `±${Number((confidence.relativeError * 100).toPrecision(3))} % at ${Number((confidence.level * 100).toPrecision(4))} % confidence`;
}
