import { stripVTControlCharacters } from 'node:util';

const TAIL_LINES = 3;
const LINE_LENGTH = 300;

/** The end of what an instance printed, as one line that explains its end; empty if nothing does. */
export function stderrTail(text: string): string {
  return stripVTControlCharacters(text)
    .split('\n')
    .flatMap(readable)
    .slice(-TAIL_LINES)
    .map((line) => (line.length > LINE_LENGTH ? `${line.slice(0, LINE_LENGTH)}…` : line))
    .join(' | ');
}

const ERROR_LEVEL = 50;

/**
 * Plain lines as they are; of structured ones, which tell of ordinary life as well, the message of errors
 * only.
 */
function readable(line: string): string[] {
  const text = line.trim();
  if (!text.startsWith('{')) return text === '' ? [] : [text];
  try {
    const { level, msg, stack } = JSON.parse(text) as { level?: number; msg?: string; stack?: string };
    if (level === undefined || level < ERROR_LEVEL) return [];
    return [stack === undefined ? `${msg}` : `${msg}: ${stack.split('\n')[0]}`];
  } catch {
    return [text];
  }
}
