import { InflessError } from './errors.ts';

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Reads `200ms`, `1.5s`, `10m`, `2h` or `1d`, as milliseconds. A bare number is refused: no one can tell
 * whether it means seconds.
 */
export function parseDurationMs(text: string, what = 'duration'): number {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(text.trim());
  if (match === null) {
    throw new InflessError('INVALID_INPUT', `${what} "${text}" is not a duration`, {
      remedy: 'Write a number and a unit, like 200ms, 1.5s or 10m.',
    });
  }
  return Number(match[1]) * DURATION_UNITS[match[2]!]!;
}

/** `83 ms`, `1.20 s`, `2 min 05 s`, `3 h 10 min`: as short as a person would write it. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1) return `${durationMs.toFixed(2)} ms`;
  if (durationMs < 10) return `${durationMs.toFixed(1)} ms`;
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  if (durationMs < 60_000) return `${(durationMs / 1000).toFixed(durationMs < 10_000 ? 2 : 1)} s`;
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** `17.0 MB` and so on, in powers of 1000. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

const BYTE_UNITS: Readonly<Record<string, number>> = {
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/**
 * Reads `64GB`, `512M`, or in powers of two `64GiB`, `512Mi`, as bytes. A bare number is refused, as for
 * durations.
 */
export function parseBytes(text: string, what = 'amount of memory'): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kMGT]|[KMGT]i)B?$/.exec(text.trim());
  const bytes = match === null ? Number.NaN : Math.round(Number(match[1]) * BYTE_UNITS[match[2]!]!);
  if (!(bytes >= 1)) {
    throw new InflessError('INVALID_INPUT', `${what} "${text}" is not an amount of memory`, {
      remedy: 'Write a number and a unit, like 64GB or 512Mi.',
    });
  }
  return bytes;
}

/** Kubernetes' notation of CPU: `1500m` or `1.5` cores, as millicores. */
export function parseCpuMillicores(text: string, what = 'CPU quota'): number {
  const match = /^(\d+(?:\.\d+)?)(m?)$/.exec(text.trim());
  const millicores =
    match === null ? Number.NaN : Math.round(Number(match[1]) * (match[2] === 'm' ? 1 : 1000));
  if (!(millicores >= 1)) {
    throw new InflessError('INVALID_INPUT', `${what} "${text}" is not an amount of CPU`, {
      remedy: 'Write cores, like 0.5 or 2, or millicores, like 500m.',
    });
  }
  return millicores;
}

/** Cores as people write them: 500 → `0.5`. */
export function formatCores(cpuMillicores: number): string {
  return String(cpuMillicores / 1000);
}
