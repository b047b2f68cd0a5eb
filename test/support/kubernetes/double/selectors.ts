import type { ApiObject } from '../api-requests.ts';
import { badRequest } from './api-failure.ts';
import type { ResourceType } from './resource-types.ts';

export type Matcher = (object: ApiObject) => boolean;

type LabelRule = (labels: Readonly<Record<string, string>>) => boolean;

/** `a=b`, `a!=b`, `a`, `!a`, `a in (b,c)`, `a notin (b,c)`, joined by commas. */
export function labelMatcher(selector: string): Matcher {
  const rules = selector
    .split(/,(?![^(]*\))/)
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map(labelRule);
  return ({ metadata }) => rules.every((rule) => rule(metadata.labels ?? {}));
}

function labelRule(text: string): LabelRule {
  const set = /^([\w./-]+)\s+(in|notin)\s+\(([^()]*)\)$/.exec(text);
  if (set !== null) {
    const [, key, operator, list] = set as unknown as [string, string, string, string];
    const values = list.split(',').map((value) => value.trim());
    return operator === 'in'
      ? (labels) => values.includes(labels[key] ?? '\0')
      : (labels) => !values.includes(labels[key] ?? '\0');
  }
  const equality = /^([\w./-]+)\s*(==?|!=)\s*([\w.-]*)$/.exec(text);
  if (equality !== null) {
    const [, key, operator, value] = equality as unknown as [string, string, string, string];
    return operator === '!=' ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
  }
  const existence = /^(!?)\s*([\w./-]+)$/.exec(text);
  if (existence === null) throw badRequest(`unable to parse requirement: ${text}`);
  const [, not, key] = existence as unknown as [string, string, string];
  return (labels) => (labels[key] === undefined) === (not === '!');
}

/** `metadata.name=x`, and of pods `spec.nodeName!=y`, `status.phase=z`, joined by commas. */
export function fieldMatcher(type: ResourceType, selector: string): Matcher {
  const rules = selector
    .split(',')
    .filter((text) => text !== '')
    .map((text): Matcher => {
      const match = /^([\w.]+)(==?|!=)(.*)$/.exec(text);
      if (match === null) throw badRequest(`invalid selector: '${text}'; can't understand '${text}'`);
      const [, field, operator, value] = match as unknown as [string, string, string, string];
      if (!type.selectableFields.includes(field)) throw badRequest(`field label not supported: ${field}`);
      return (object) => (fieldOf(object, field) === value) === (operator !== '!=');
    });
  return (object) => rules.every((rule) => rule(object));
}

function fieldOf(object: ApiObject, field: string): string {
  let value: unknown = object;
  for (const name of field.split('.')) value = (value as Record<string, unknown> | undefined)?.[name];
  return value === undefined ? '' : String(value);
}
