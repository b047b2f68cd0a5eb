import { InflessError } from '../base/errors.ts';
import type { Elements } from './elements.ts';
import { Byte, type JsonCursor } from './json-cursor.ts';
import { tooManyRows } from './rows.ts';

/** More axes than any model has; deeper text is an attack or a mistake. */
const MAX_RANK = 32;

/**
 * Reads nested arrays straight into the elements of a tensor and infers their shape, in one pass and without
 * recursion: the first descent fixes the rank, the first array closed at each depth its size.
 *
 * @param place what is being read, for messages: `instances[3].x`.
 * @param mostRows values of the outermost array
 * @throws InflessError INVALID_INPUT naming the place where the text is not a dense array of the element
 * type; BODY_TOO_LARGE
 */
export function readNested(
  cursor: JsonCursor,
  elements: Elements,
  place: string,
  mostRows = Number.POSITIVE_INFINITY,
): number[] {
  const sizes: number[] = [];
  const counts: number[] = []; // values read so far in the open array of each depth
  let open = 0;
  let rank: number | undefined;
  for (;;) {
    if (cursor.peek() === Byte.openBracket) {
      if (open === rank)
        throw invalid(`${pathTo(place, counts, open)} is an array, the values beside it are not`);
      if (open === MAX_RANK) throw invalid(`${place} is nested deeper than ${MAX_RANK} arrays`);
      cursor.position += 1;
      counts[open] = 0;
      open += 1;
      if (cursor.peek() !== Byte.closeBracket) continue;
      rank ??= open; // an empty array has no first value to tell
    } else {
      rank ??= open;
      if (open < rank)
        throw invalid(`${pathTo(place, counts, open)} is not an array, the values beside it are`);
      readValues(cursor, elements, place, counts, open);
    }
    // What follows a value: the ends of arrays, then a comma and the next value, unless that was the last.
    for (;;) {
      if (open === 0) return sizes;
      if (open < rank && cursor.take(Byte.comma)) break;
      if (!cursor.take(Byte.closeBracket)) throw cursor.unexpected('"," or "]"');
      open -= 1;
      sizes[open] ??= counts[open]!;
      if (counts[open] !== sizes[open]) {
        throw invalid(
          `${pathTo(place, counts, open)} has ${counts[open]} values, the arrays beside it have ${sizes[open]}`,
        );
      }
      if (open > 0) counts[open - 1]! += 1;
      if (counts[0]! > mostRows) throw tooManyRows(mostRows);
    }
  }
}

/** The scalars of an innermost array, or a lone one. */
function readValues(
  cursor: JsonCursor,
  elements: Elements,
  place: string,
  counts: number[],
  open: number,
): void {
  const before = elements.length;
  try {
    if (open === 0) elements.readOne(cursor);
    else elements.readRun(cursor);
  } catch (error) {
    if (!(error instanceof InflessError)) throw error;
    if (open > 0) counts[open - 1] = elements.length - before;
    throw invalid(`${pathTo(place, counts, open)}: ${error.message}`, error);
  }
  if (open > 0) counts[open - 1] = elements.length - before;
}

function pathTo(place: string, counts: readonly number[], open: number): string {
  return (
    place +
    counts
      .slice(0, open)
      .map((index) => `[${index}]`)
      .join('')
  );
}

function invalid(what: string, cause?: unknown): InflessError {
  return new InflessError('INVALID_INPUT', what, { cause });
}
