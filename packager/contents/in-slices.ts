const SLICE = 16;

/**
 * Does something for each item, in order, a few at once: what the system is asked of a thousand files at once
 * takes 20 MB.
 */
export async function mapInSlices<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += SLICE) {
    results.push(...(await Promise.all(items.slice(from, from + SLICE).map(work))));
  }
  return results;
}
