/** An `openAPIV3Schema` node, as far as rules and defaults go. */
export interface SchemaNode {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly 'x-kubernetes-validations'?: readonly CelRule[];
}

export interface CelRule {
  readonly rule: string;
  readonly message: string;
}

export type Path = readonly string[];

export interface PlacedNode {
  readonly path: Path;
  readonly node: SchemaNode;
}

/** All nodes below a node, itself first; those of lists and maps have `[]` in their paths. */
export function nodesOf(node: SchemaNode, path: Path = []): readonly PlacedNode[] {
  const { properties = {}, items, additionalProperties } = node;
  const inner: [string, SchemaNode][] = Object.entries(properties);
  if (items !== undefined) inner.push(['[]', items]);
  if (typeof additionalProperties === 'object') inner.push(['[]', additionalProperties]);
  return [{ path, node }, ...inner.flatMap(([name, each]) => nodesOf(each, [...path, name]))];
}

/** The fields of its node that a rule reads. */
export function fieldsOf({ rule }: CelRule): readonly string[] {
  return [...new Set(Array.from(rule.matchAll(/\bself\.(\w+)/g), (match) => match[1]!))];
}

/** Every way to choose one of each field's values. `undefined` leaves the field out. */
export function combinations(
  values: Readonly<Record<string, readonly unknown[]>>,
): readonly Readonly<Record<string, unknown>>[] {
  return Object.entries(values).reduce<Record<string, unknown>[]>(
    (chosen, [field, choices]) =>
      chosen.flatMap((before) =>
        choices.map((choice) => (choice === undefined ? before : { ...before, [field]: choice })),
      ),
    [{}],
  );
}

/** What a field may be tried with: left out, empty, its default, the least and the most that it may be. */
export function triesOf({ type, default: standard, minimum, maximum }: SchemaNode): readonly unknown[] {
  if (type !== 'integer' && type !== 'number')
    throw new Error(`a rule reads a field of type ${type}: say here what to try of that`);
  const values = [standard, minimum ?? 0, maximum].filter((value) => value !== undefined);
  return [undefined, null, ...new Set(values)];
}

/** A copy with another value at the path; `undefined` takes it out. */
export function withValue<T extends object>(object: T, path: Path, value: unknown): T {
  const copy = structuredClone(object) as Record<string, unknown>;
  const [field, ...rest] = path as [string, ...string[]];
  if (rest.length > 0) copy[field] = withValue((copy[field] ?? {}) as object, rest, value);
  else if (value === undefined) delete copy[field];
  else copy[field] = value;
  return copy as T;
}
