export interface Errand<T> {
  work(item: T): Promise<void>;
  /** Told of the first failure while others are still at work. */
  onFailure(error: unknown): void;
}

/**
 * Does something for each item, for at most `limit` of them at a time. After a failure none is begun any more, and
 * those at work are waited for.
 */
export async function forEachAtOnce<T>(
  limit: number,
  items: Iterable<T>,
  { work, onFailure }: Errand<T>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    for (let next = queue.next(); !next.done && !failure; next = queue.next()) {
      try {
        await work(next.value);
      } catch (error) {
        if (failure) return;
        failure = { error };
        onFailure(error);
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  if (failure) throw failure.error;
}
