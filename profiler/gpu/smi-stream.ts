import { type ChildProcess, spawn } from 'node:child_process';

/** What a card does at one moment; null is what the driver does not tell. */
export interface GpuSample {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly usedMemoryBytes: number | null;
  readonly powerWatts: number | null;
  readonly powerLimitWatts: number | null;
  readonly utilizationPercent: number | null;
  readonly smClockMhz: number | null;
  readonly memoryClockMhz: number | null;
  /** Why the clock is lower than it could be, as NVML's bits. */
  readonly throttleBits: number | null;
}

const INTERVAL_MS = 200;
/** Samples kept: some minutes. */
const MOST_SAMPLES = 2000;
const BYTES_PER_MIB = 2 ** 20;

type Field = Exclude<keyof GpuSample, 'atMs'>;

/**
 * Names of each in the order in which they are tried: drivers rename them, and refuse names that they do not
 * know.
 */
const NAMES: Readonly<Record<Field, readonly string[]>> = {
  usedMemoryBytes: ['memory.used'],
  powerWatts: ['power.draw'],
  powerLimitWatts: ['enforced.power.limit', 'power.limit'],
  utilizationPercent: ['utilization.gpu'],
  smClockMhz: ['clocks.sm'],
  memoryClockMhz: ['clocks.mem'],
  throttleBits: ['clocks_event_reasons.active', 'clocks_throttle_reasons.active'],
};

/**
 * One nvidia-smi that tells again and again what a card does: starting one for each look takes longer than
 * what is looked at. When it ends, as with a card that is lost, there are no more samples, and that is all.
 */
export class SmiStream {
  /** Undefined for all cards. */
  readonly #uuid: string | undefined;
  readonly #intervalMs: number;
  readonly #names: Map<Field, readonly string[]>;
  readonly #samples: GpuSample[] = [];
  /** Of all cards: the newest of each. */
  readonly #latest = new Map<string, GpuSample>();
  #child: ChildProcess | undefined;
  #isClosed = false;

  private constructor(uuid: string | undefined, intervalMs: number) {
    this.#uuid = uuid;
    this.#intervalMs = intervalMs;
    this.#names = new Map(Object.entries(NAMES) as [Field, readonly string[]][]);
  }

  /** Of one card, often enough for a cell of less than a second. */
  static start(uuid: string): SmiStream {
    const stream = new SmiStream(uuid, INTERVAL_MS);
    stream.#run();
    return stream;
  }

  /** Of all cards of this machine, of which only {@link latest} is kept. */
  static startForAll(intervalMs: number): SmiStream {
    const stream = new SmiStream(undefined, intervalMs);
    stream.#run();
    return stream;
  }

  /** What each card did last, by its UUID. */
  get latest(): ReadonlyMap<string, GpuSample> {
    return this.#latest;
  }

  /** Whether it goes on telling. */
  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** From one moment to another, both in ms since the epoch. */
  between(fromMs: number, toMs: number): readonly GpuSample[] {
    return this.#samples.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
  }

  close(): void {
    this.#isClosed = true;
    this.#child?.kill('SIGKILL');
  }

  #run(): void {
    const fields = [...this.#names].map(([field, [name]]) => [field, name!] as const);
    const isForAll = this.#uuid === undefined;
    const query = ['timestamp', ...(isForAll ? ['uuid'] : []), ...fields.map(([, name]) => name)].join(',');
    const child = spawn(
      'nvidia-smi',
      [
        `--query-gpu=${query}`,
        '--format=csv,noheader,nounits',
        ...(isForAll ? [] : [`--id=${this.#uuid}`]),
        `-lms`,
        `${this.#intervalMs}`,
      ],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    this.#child = child;
    child.unref();
    let rest = '';
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        const [time = '', uuid = '', ...values] = line.split(',').map((value) => value.trim());
        const sample = parseSample(
          isForAll ? [time, ...values].join(',') : line,
          fields.map(([field]) => field),
        );
        if (sample === undefined) said += `${line}\n`;
        else if (isForAll) this.#latest.set(uuid, sample);
        else this.#add(sample);
      }
    });
    child.on('error', () => undefined); // not installed any more: there are no samples
    child.on('close', () => {
      this.#child = undefined;
      if (!this.#isClosed && this.#withoutRefused(said + rest)) this.#run();
    });
  }

  #add(sample: GpuSample): void {
    this.#samples.push(sample);
    if (this.#samples.length > MOST_SAMPLES) this.#samples.splice(0, MOST_SAMPLES / 2);
  }

  /** Whether a field was refused, and is left out or called otherwise now. */
  #withoutRefused(said: string): boolean {
    const refused = /Field "([^"]+)" is not a valid field/.exec(said)?.[1];
    const entry = [...this.#names].find(([, [name]]) => name === refused);
    if (refused === undefined || entry === undefined) return false;
    const [field, [, ...others]] = entry;
    if (others.length > 0) this.#names.set(field, others);
    else this.#names.delete(field);
    return true;
  }
}

/** A line of csv without units; undefined for anything else that the tool says. */
export function parseSample(line: string, fields: readonly Field[]): GpuSample | undefined {
  const [time, ...values] = line.split(',').map((value) => value.trim());
  const atMs = timeOf(time ?? '');
  if (atMs === undefined || values.length !== fields.length) return undefined;
  const told = (field: Field): number | null => {
    const value = values[fields.indexOf(field)];
    return value === undefined || !/^(0x[0-9a-f]+|\d+(\.\d+)?)$/i.test(value) ? null : Number(value);
  };
  const mebibytes = told('usedMemoryBytes');
  return {
    atMs,
    usedMemoryBytes: mebibytes === null ? null : mebibytes * BYTES_PER_MIB,
    powerWatts: told('powerWatts'),
    powerLimitWatts: told('powerLimitWatts'),
    utilizationPercent: told('utilizationPercent'),
    smClockMhz: told('smClockMhz'),
    memoryClockMhz: told('memoryClockMhz'),
    throttleBits: told('throttleBits'),
  };
}

/** `2026/11/27 14:08:06.693`, in the time of this machine. */
function timeOf(text: string): number | undefined {
  const parts = /^(\d{4})\/(\d\d)\/(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,3}))?$/.exec(text);
  if (parts === null) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return new Date(
    year,
    month - 1,
    day,
    hour,
    minute,
    second,
    Number((parts[7] ?? '0').padEnd(3, '0')),
  ).getTime();
}
