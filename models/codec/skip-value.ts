import { Byte, type JsonCursor } from './json-cursor.ts';
import { NumberScanner } from './number-scanner.ts';

const MAX_DEPTH = 64;
const number = new NumberScanner();

/**
 * Passes over a value that no one needs, of whatever type; without recursion, so that depth costs no stack.
 */
export function skipValue(cursor: JsonCursor): void {
  const closers: number[] = [];
  for (;;) {
    const byte = cursor.peek();
    if (byte === Byte.openBrace || byte === Byte.openBracket) {
      if (closers.length === MAX_DEPTH) throw cursor.unexpected(`at most ${MAX_DEPTH} nested values`);
      const closer = byte === Byte.openBrace ? Byte.closeBrace : Byte.closeBracket;
      cursor.position += 1;
      if (!cursor.take(closer)) {
        closers.push(closer);
        if (closer === Byte.closeBrace) skipKey(cursor);
        continue;
      }
    } else {
      skipScalar(cursor, byte);
    }
    for (;;) {
      const closer = closers.at(-1);
      if (closer === undefined) return;
      if (cursor.take(Byte.comma)) {
        if (closer === Byte.closeBrace) skipKey(cursor);
        break;
      }
      cursor.expect(closer);
      closers.pop();
    }
  }
}

function skipKey(cursor: JsonCursor): void {
  cursor.readString();
  cursor.expect(Byte.colon);
}

const WORDS = ['true', 'false', 'null', 'NaN', 'Infinity', '-Infinity', 'Inf', '-Inf'];

function skipScalar(cursor: JsonCursor, byte: number): void {
  if (byte === Byte.quote) {
    cursor.readString();
    return;
  }
  number.scan(cursor);
  if (!number.found && !WORDS.some((word) => cursor.takeWord(word))) throw cursor.unexpected('a value');
}
