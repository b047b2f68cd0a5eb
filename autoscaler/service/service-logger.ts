import { Writable } from 'node:stream';
import pc from 'picocolors';
import { type Level, type Logger, pino } from 'pino';
import { stderrLogger } from '../../packager/server/stderr-log.ts';

type Terminal = Pick<NodeJS.WriteStream, 'isTTY' | 'write'>;

/** What every line of pino has, beside what it is about. */
interface LogEntry {
  readonly level: number;
  readonly time: number;
  readonly msg?: string;
  /** The function that it is about. */
  readonly function?: string;
  readonly [field: string]: unknown;
}

/** From these levels on, a line is marked. */
const WARN = 40;
const ERROR = 50;

/**
 * The log of an autoscaler on standard error: sentences for people where it is a terminal, JSON lines where
 * it is a pipe or a file.
 */
export function serviceLogger(level: Level, stream: Terminal = process.stderr): Logger {
  if (stream.isTTY !== true) return stderrLogger({ level, base: null });
  const lines = new Writable({
    write(chunk: Buffer, _encoding, done) {
      stream.write(`${logLine(chunk.toString('utf8'), pc.isColorSupported)}\n`);
      done();
    },
  });
  return pino({ level, base: null }, lines);
}

/**
 * A JSON line of pino as a person reads it: `12:03:04 mnist: an instance is ready (instance mnist-1)`.
 *
 * @param json as it is, where it is no JSON
 */
export function logLine(json: string, isColored: boolean): string {
  const entry = parsed(json);
  if (entry === undefined) return json.trimEnd();
  const { level, time, msg = '', function: name, ...facts } = entry;
  const colors = pc.createColors(isColored);
  const subject = name === undefined ? '' : `${colors.bold(name)}: `;
  const told = Object.entries(facts).map(([field, value]) => `${field} ${valueText(value)}`);
  const details = told.length === 0 ? '' : colors.dim(` (${told.join(', ')})`);
  return `${colors.dim(clockTime(time))} ${markOf(level, colors)}${subject}${msg}${details}`;
}

function markOf(level: number, colors: ReturnType<typeof pc.createColors>): string {
  if (level >= ERROR) return `${colors.red('error')} `;
  return level >= WARN ? `${colors.yellow('warning')} ` : '';
}

function clockTime(epochMs: number): string {
  return new Date(epochMs).toTimeString().slice(0, 8);
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.map(valueText).join('+');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function parsed(json: string): LogEntry | undefined {
  try {
    return JSON.parse(json) as LogEntry;
  } catch {
    return undefined;
  }
}
