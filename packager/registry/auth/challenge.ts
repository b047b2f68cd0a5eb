/** One way of authorization that a registry offers in a 401's `WWW-Authenticate`. */
export interface Challenge {
  /** In lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** Names in lower case; values without their quotes. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[!#$%&'*+.^_`|~\w-]+/y;
const SEPARATORS = /[\s,]*/y;
const VALUE = /\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))/y;

/**
 * Reads a `WWW-Authenticate` header (RFC 9110, 11.6.1): several challenges may share one, parted by the same
 * comma that parts their parameters, so a word is a parameter where `=` follows and a scheme where not. What
 * is malformed ends the reading.
 */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let position = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position;
    const match = pattern.exec(header);
    if (match) position = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(SEPARATORS);
    const word = take(TOKEN)?.[0];
    if (word === undefined) return challenges;
    const value = take(VALUE);
    if (value === null) {
      challenges.push({ scheme: word.toLowerCase(), parameters: new Map() });
      continue;
    }
    const text = value[1]?.replace(/\\(.)/g, '$1') ?? value[2] ?? '';
    challenges.at(-1)?.parameters.set(word.toLowerCase(), text);
  }
}
