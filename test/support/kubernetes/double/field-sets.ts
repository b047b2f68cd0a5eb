import { isDeepStrictEqual } from 'node:util';

/** How the items of a list are told apart: by these fields of theirs, by value, or not at all. */
export type ListKind = readonly string[] | 'set' | 'atomic';

/** @param path names of the fields on the way to the list, items left out: `['spec', 'containers']` */
export type ListTopology = (path: readonly string[]) => ListKind;

/**
 * `f:name` for a field, `k:{"name":"main"}` for an item of a list by its keys, `v:"value"` for one by itself.
 */
type Step = string;

export type FieldPath = readonly Step[];

type Fields = Record<string, unknown>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The fields with a value of their own, and the list items that exist: what a field manager can own. */
export function* leaves(
  value: unknown,
  lists: ListTopology,
  path: FieldPath = [],
): Generator<{ path: FieldPath; value: unknown }> {
  const kind = Array.isArray(value) ? lists(fieldNames(path)) : undefined;
  if (isFields(value) && Object.keys(value).length > 0) {
    for (const [name, item] of Object.entries(value)) yield* leaves(item, lists, [...path, `f:${name}`]);
  } else if (kind === undefined || kind === 'atomic') {
    yield { path, value };
  } else {
    for (const item of value as unknown[]) {
      const step = itemStep(item, kind);
      yield { path: [...path, step], value: kind === 'set' ? item : undefined };
      if (kind !== 'set') yield* leaves(item, lists, [...path, step]);
    }
  }
}

function fieldNames(path: FieldPath): string[] {
  return path.filter((step) => step.startsWith('f:')).map((step) => step.slice(2));
}

function itemStep(item: unknown, kind: readonly string[] | 'set'): Step {
  if (kind === 'set') return `v:${JSON.stringify(item)}`;
  const keys = kind.flatMap((key) => {
    const value = (item as Fields)[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  return `k:${JSON.stringify(Object.fromEntries(keys))}`;
}

function matches(item: unknown, step: Step): boolean {
  const wanted: unknown = JSON.parse(step.slice(2));
  if (step.startsWith('v:')) return isDeepStrictEqual(item, wanted);
  return Object.entries(wanted as Fields).every(([key, value]) =>
    isDeepStrictEqual((item as Fields)[key], value),
  );
}

/** What is there; undefined where nothing is. */
export function valueAt(root: unknown, path: FieldPath): unknown {
  return path.reduce(child, root);
}

function child(value: unknown, step: Step): unknown {
  if (step.startsWith('f:')) return isFields(value) ? value[step.slice(2)] : undefined;
  return Array.isArray(value) ? value.find((item) => matches(item, step)) : undefined;
}

/** Takes away what is there and, of what holds it, all that is empty then. */
export function removeAt(root: unknown, path: FieldPath): void {
  const [step, ...rest] = path;
  if (step === undefined) return;
  const inner = child(root, step);
  if (inner === undefined) return;
  if (rest.length > 0) {
    removeAt(inner, rest);
    if (typeof inner !== 'object' || inner === null || Object.keys(inner).length > 0) return;
  }
  if (Array.isArray(root)) root.splice(root.indexOf(inner), 1);
  else delete (root as Fields)[step.slice(2)];
}

/** `live` with all that `applied` says. */
export function merged(
  live: unknown,
  applied: unknown,
  lists: ListTopology,
  path: readonly string[] = [],
): unknown {
  if (isFields(live) && isFields(applied)) {
    const result: Fields = { ...live };
    for (const [name, value] of Object.entries(applied))
      result[name] = merged(live[name], value, lists, [...path, name]);
    return result;
  }
  if (!Array.isArray(live) || !Array.isArray(applied)) return applied;
  const kind = lists(path);
  if (kind === 'atomic') return applied;
  const result: unknown[] = [...live];
  for (const item of applied) {
    const step = itemStep(item, kind);
    const at = result.findIndex((each) => matches(each, step));
    if (at < 0) result.push(item);
    else result[at] = merged(result[at], item, lists, path);
  }
  return result;
}

/** As `metadata.managedFields` writes a set of fields. */
export function fieldsV1(paths: Iterable<FieldPath>): Fields {
  const root: Fields = {};
  for (const path of paths) {
    let at = root;
    for (const step of path) {
      at[step] ??= {};
      at = at[step] as Fields;
    }
    if (!path.at(-1)?.startsWith('f:')) at['.'] = {};
  }
  return root;
}
