import { readHost, sameHost } from '../../profiles/host.ts';
import { findTable, type StoredTable } from '../../profiles/store.ts';

/**
 * The table that a model is served by where its function names none. What its image brings along speaks for it, unless
 * that was measured on another kind of host than this one, and another table was measured here.
 *
 * @param own of the model's image, where it came in one that has a table
 * @param digest `sha256:<hex>` of the model file
 */
export async function chooseTable(
  own: StoredTable | undefined,
  digest: string,
): Promise<StoredTable | undefined> {
  const host = await readHost();
  if (own !== undefined && sameHost(own.table.host, host)) return own;
  const known = await findTable(digest);
  const isOfHere = known !== undefined && sameHost(known.table.host, host);
  return isOfHere ? known : (own ?? known);
}
