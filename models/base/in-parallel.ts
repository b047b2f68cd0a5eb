/**
 * Does something with each, at most so many at a time, begun in their order. After a failure none is begun
 * any more, and those at work are waited for.
 *
 * @param onFailure hears of the first failure while others are still at work
 * @throws the first failure
 */
export async function inParallel<T>(
  items: Iterable<T>,
  most: number,
  work: (item: T) => Promise<void>,
  onFailure: (error: unknown) => void = () => undefined,
): Promise<void> {
  const left = items[Symbol.iterator]();
  let failure: { readonly error: unknown } | undefined;
  const takeOver = async (): Promise<void> => {
    for (let next = left.next(); !next.done && !failure; next = left.next()) {
      try {
        await work(next.value);
      } catch (error) {
        if (failure) return;
        failure = { error };
        onFailure(error);
      }
    }
  };
  await Promise.all(Array.from({ length: most }, takeOver));
  if (failure) throw failure.error;
}
