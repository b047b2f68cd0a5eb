import { Ajv, type ErrorObject } from 'ajv';
import addFormats from 'ajv-formats';

/** An `openAPIV3Schema`, as far as it is looked into here. */
export interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly default?: unknown;
  readonly nullable?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly [keyword: string]: unknown;
}

type Fields = Record<string, unknown>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What keeps a schema from being structural, by its path; nothing if it is. */
export function structuralMistakes(schema: Schema, path = 'openAPIV3Schema'): string[] {
  const { properties = {}, additionalProperties, items } = schema;
  const isTyped =
    schema.type !== undefined ||
    schema['x-kubernetes-int-or-string'] === true ||
    schema['x-kubernetes-preserve-unknown-fields'] === true;
  const own = isTyped ? [] : [`${path}.type: Required value: must not be empty for specified object fields`];
  if (schema.type === 'array' && items === undefined)
    own.push(`${path}.items: Required value: must be specified`);
  if (additionalProperties !== undefined && Object.keys(properties).length > 0)
    own.push(
      `${path}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`,
    );
  const inner = Object.entries(properties).flatMap(([name, property]) =>
    structuralMistakes(property, `${path}.properties[${name}]`),
  );
  const each = isFields(additionalProperties)
    ? structuralMistakes(additionalProperties, `${path}.additionalProperties`)
    : [];
  return [
    ...own,
    ...inner,
    ...each,
    ...(items === undefined ? [] : structuralMistakes(items, `${path}.items`)),
  ];
}

/** Fills in defaults and drops fields that the schema does not know, in place. */
export function defaultAndPrune(value: unknown, schema: Schema): void {
  if (Array.isArray(value)) {
    if (schema.items !== undefined) for (const item of value) defaultAndPrune(item, schema.items);
    return;
  }
  if (!isFields(value)) return;
  const { properties = {}, additionalProperties } = schema;
  const keepsUnknown =
    schema['x-kubernetes-preserve-unknown-fields'] === true || additionalProperties === true;
  for (const [name, property] of Object.entries(properties)) {
    if (property.default === undefined) continue;
    if (value[name] === undefined || (value[name] === null && property.nullable !== true))
      value[name] = structuredClone(property.default);
  }
  for (const name of Object.keys(value)) {
    const inner = properties[name] ?? (isFields(additionalProperties) ? additionalProperties : undefined);
    if (inner !== undefined) defaultAndPrune(value[name], inner);
    else if (!keepsUnknown) delete value[name];
  }
}

/** Returns a check of values: what is wrong, by path. */
export function compiledSchema(schema: Schema): (value: unknown) => string[] {
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv);
  const validate = ajv.compile(forAjv(schema));
  return (value) => (validate(value) ? [] : (validate.errors ?? []).map(mistake));
}

/** Kubernetes' own keywords, in those of JSON Schema. */
function forAjv(schema: Schema): object {
  const { properties, additionalProperties, items, ...rest } = schema;
  return {
    ...rest,
    ...strictBound(rest, 'minimum', 'exclusiveMinimum'),
    ...strictBound(rest, 'maximum', 'exclusiveMaximum'),
    ...(schema['x-kubernetes-int-or-string'] === true ? { type: ['integer', 'string'] } : {}),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, property]) => [name, forAjv(property)]),
          ),
        }),
    ...(isFields(additionalProperties) ? { additionalProperties: forAjv(additionalProperties) } : {}),
    ...(items === undefined ? {} : { items: forAjv(items) }),
  };
}

/** OpenAPI 3.0 says of a bound whether it is a strict one, JSON Schema has another word for strict ones. */
function strictBound(schema: Schema, bound: string, strict: string): object {
  if (!(strict in schema)) return {};
  return schema[strict] === true ? { [bound]: undefined, [strict]: schema[bound] } : { [strict]: undefined };
}

function mistake({ instancePath, keyword, params, message, data }: ErrorObject): string {
  const path = instancePath.slice(1).replaceAll('/', '.');
  if (keyword !== 'required') return `${path}: Invalid value: ${JSON.stringify(data) ?? ''}: ${message}`;
  const { missingProperty } = params as { missingProperty: string };
  return `${path === '' ? '' : `${path}.`}${missingProperty}: Required value`;
}
