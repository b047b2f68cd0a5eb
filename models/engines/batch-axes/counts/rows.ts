/** Which rows of the batch the values of a tensor depend on. */
export type Rows =
  /** On none: constants, shapes, inputs without rows. */
  | { readonly kind: 'none' }
  /** At each place of this axis, on one row, whose places lie together if other axes were merged into it. */
  | { readonly kind: 'axis'; readonly axis: number }
  /** On one row alone: the one of a turn of a loop over the batch. */
  | { readonly kind: 'one' }
  /** On rows, but not even the place is known. */
  | { readonly kind: 'unknown' }
  /** On several at once. */
  | { readonly kind: 'mixed'; readonly why: string };

/** Whatever is known to depend on rows. */
interface Carrier {
  readonly rows?: Rows | undefined;
}

export const NO_ROWS: Rows = { kind: 'none' };
export const ONE_ROW: Rows = { kind: 'one' };
export const UNKNOWN_ROWS: Rows = { kind: 'unknown' };

export function mixed(why: string): Rows {
  return { kind: 'mixed', why };
}

/** What to say of an operator that mixes rows. */
export function whyMixed(operator: string): string {
  return `the operator ${operator} makes one number of several rows`;
}

export function along(axis: number | undefined): Rows {
  return axis === undefined || axis < 0 ? UNKNOWN_ROWS : { kind: 'axis', axis };
}

export function rowsOf(x: Carrier | undefined): Rows {
  return x?.rows ?? NO_ROWS;
}

/** What holds for a tensor that may be either of two. */
export function joinRows(a: Rows, b: Rows): Rows {
  if (a.kind === 'mixed') return a;
  if (b.kind === 'mixed' || a.kind === 'none') return b;
  if (b.kind === 'none' || isSameRows(a, b)) return a;
  return UNKNOWN_ROWS;
}

export function isSameRows(a: Rows, b: Rows): boolean {
  if (a.kind === 'axis' && b.kind === 'axis') return a.axis === b.axis;
  return a.kind === b.kind;
}

/** The axis of its rows, where that is known. */
export function axisOf(x: Carrier | undefined): number | undefined {
  const rows = rowsOf(x);
  return rows.kind === 'axis' ? rows.axis : undefined;
}
