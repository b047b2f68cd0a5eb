import { InflessError } from '../errors.ts';
import { didYouMean } from './nearest.ts';
import type { Parser } from './option-table.ts';

/** Any text, as it is. */
export const text: Parser<string> = (given) => given;

/** The name of a file, which a shell completes. */
export const file: Parser<string> = Object.assign((given: string) => given, { completes: 'file' } as const);

/** The name of a folder. */
export const folder: Parser<string> = Object.assign((given: string) => given, {
  completes: 'folder',
} as const);

/** One of some words. */
export function oneOf<const T extends string>(choices: readonly T[]): Parser<T> {
  const parse = (given: string, name: string): T => {
    const chosen = choices.find((choice) => choice === given);
    if (chosen !== undefined) return chosen;
    const suggestion = didYouMean(given, choices);
    throw new InflessError('INVALID_INPUT', `${name} "${given}" is none of ${choices.join(', ')}`, {
      ...(suggestion !== undefined && { remedy: suggestion }),
    });
  };
  return Object.assign(parse, { choices });
}

/** A whole number within bounds. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): Parser<number> {
  return (given, name) => {
    const value = /^\d+$/.test(given) ? Number(given) : Number.NaN;
    if (value >= least && value <= most) return value;
    const bounds = most === Number.MAX_SAFE_INTEGER ? `${least} on` : `${least} to ${most}`;
    throw new InflessError('INVALID_INPUT', `${name} "${given}" is not a whole number from ${bounds}`);
  };
}

/** A decimal number within bounds. */
export function decimal(least: number, most: number): Parser<number> {
  return (given, name) => {
    const value = /^\d+(\.\d+)?$/.test(given) ? Number(given) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InflessError('INVALID_INPUT', `${name} "${given}" is not a number from ${least} to ${most}`);
  };
}
