const MOST_EDITS = 3;

/** Those of the known words that somebody who wrote `word` most likely meant: the closest ones, or none. */
export function nearest(word: string, known: Iterable<string>): readonly string[] {
  const wanted = word.toLowerCase();
  const most = Math.min(MOST_EDITS, Math.ceil(wanted.replace(/^-+/, '').length / 3));
  const found = [...new Set(known)].map((each) => ({
    each,
    edits: editsBetween(wanted, each.toLowerCase()),
  }));
  const least = Math.min(...found.map(({ edits }) => edits));
  if (least <= most) return found.filter(({ edits }) => edits === least).map(({ each }) => each);
  const begun = found.filter(({ each }) => wanted.length > 1 && each.toLowerCase().startsWith(wanted));
  return /\w/.test(wanted) ? begun.map(({ each }) => each) : [];
}

/** `Did you mean plan?`, or nothing. */
export function didYouMean(word: string, known: Iterable<string>): string | undefined {
  const words = nearest(word, known);
  if (words.length === 0 || words.length > 3) return undefined;
  const last = words.length === 1 ? words[0] : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
  return `Did you mean ${last}?`;
}

/** Letters put in, left out, exchanged, or swapped with their neighbour (optimal string alignment). */
function editsBetween(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const changed = a[row - 1] === b[column - 1] ? 0 : 1;
      let edits = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + changed);
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (isSwap) edits = Math.min(edits, beforeLast[column - 2]! + 1);
      current.push(edits);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length]!;
}
