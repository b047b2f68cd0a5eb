import { knownText } from './smi-values.ts';

/**
 * A line of values by the names of their fields, without units: `memory.total` and not `memory.total [MiB]`.
 */
export type SmiRow = Readonly<Record<string, string | null>>;

const SEPARATOR = /,\s?/;

/**
 * Reads `nvidia-smi --query-…=… --format=csv`, with its header and its units. Values keep their units; null
 * is what the driver does not tell. Lines that are no values (warnings, a card that is lost) are left out. A
 * name with commas in it, as only the name of a process may have, is taken for what it is where it is the
 * last field.
 */
export function parseSmiCsv(text: string): readonly SmiRow[] {
  const [header = '', ...lines] = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const names = header.split(SEPARATOR).map((name) => name.replace(/ \[[^\]]+\]$/, '').trim());
  if (names.length < 2) return []; // a sentence in place of a table
  return lines.flatMap((line) => {
    const values = line.split(SEPARATOR);
    if (values.length < names.length) return [];
    const last = values.slice(names.length - 1).join(', ');
    return [
      Object.fromEntries(
        names.map((name, at) => [name, knownText(at < names.length - 1 ? values[at] : last)]),
      ),
    ];
  });
}
