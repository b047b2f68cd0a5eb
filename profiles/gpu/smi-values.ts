/** What nvidia-smi writes for a value that it does not have, in csv within brackets. */
const NOT_KNOWN =
  /^\[?(n\/a|not supported|not found|not available|unknown error|unknown|insufficient permissions|gpu is lost|gpu requires reset|no data|err!?|requested functionality .*|)\]?$/i;

/** A value as the tool writes it; null for none, in whatever words. */
export function knownText(text: string | undefined): string | null {
  const trimmed = text?.trim() ?? '';
  return NOT_KNOWN.test(trimmed) ? null : trimmed;
}

/** `85.3 W` in watts; null in any other unit, for then the value means something else. */
export function knownAmount(text: string | undefined, unit: string): number | null {
  const [, amount, given] = /^(\d+(?:\.\d+)?)\s*(\S*)$/.exec(knownText(text) ?? '') ?? [];
  return amount === undefined || given !== unit ? null : Number(amount);
}

const BYTES_PER_MIB = 2 ** 20;

/** MiB, which versions before 340 called MB. */
export function knownBytes(text: string | undefined): number | null {
  const mebibytes = knownAmount(text, 'MiB') ?? knownAmount(text, 'MB');
  return mebibytes === null ? null : mebibytes * BYTES_PER_MIB;
}
