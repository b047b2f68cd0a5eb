const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/** Reads what Go calls a duration, like `15m`, `1h30m` or `1m0.5s`, as milliseconds; undefined for what is none. */
export function parseGoDurationMs(text: string): number | undefined {
  let durationMs = 0;
  let end = 0;
  while (end < text.length) {
    PART.lastIndex = end;
    const match = PART.exec(text);
    if (match === null) return undefined;
    durationMs += Number(match[1]) * UNIT_MS[match[2]!]!;
    end = PART.lastIndex;
  }
  return end === 0 ? undefined : durationMs;
}
