import type { ApiObject } from '../api-requests.ts';
import { badRequest, expired } from './api-failure.ts';
import type { ObjectStore } from './object-store.ts';
import { apiVersionOf, type ResourceType, storageKey } from './resource-types.ts';
import type { Place } from './resources.ts';
import { fieldMatcher, labelMatcher, type Matcher } from './selectors.ts';

interface Continuation {
  readonly revision: number;
  readonly from: number;
}

/** Which objects of a place a request asks for. */
export function matcherOf({ type, namespace }: Place, query: URLSearchParams): Matcher {
  const byLabels = labelMatcher(query.get('labelSelector') ?? '');
  const byFields = fieldMatcher(type, query.get('fieldSelector') ?? '');
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    byLabels(object) &&
    byFields(object);
}

/** Lists in pages, all of a revision: what is written meanwhile is in none of them. */
export class Listing {
  readonly #store: ObjectStore;
  /** Lists that have not been read to their end, by revision and question. */
  readonly #open = new Map<string, readonly ApiObject[]>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** @throws ApiFailure 410 where a list has waited for its next page until its revision was compacted */
  page(place: Place, query: URLSearchParams): object {
    const { type, namespace = '' } = place;
    const limit = Number(query.get('limit') ?? 0) || Infinity;
    const token = query.get('continue') ?? '';
    const { revision, from } =
      token === '' ? { revision: this.#store.revision, from: 0 } : continuation(token);
    const question = [
      revision,
      storageKey(type),
      namespace,
      query.get('labelSelector'),
      query.get('fieldSelector'),
    ].join('|');
    const all =
      token === ''
        ? this.#store.list(storageKey(type)).filter(matcherOf(place, query))
        : revision < this.#store.compactedRevision
          ? undefined
          : this.#open.get(question);
    if (all === undefined)
      throw expired('The provided continue parameter is too old to display a consistent list result.');
    const items = all.slice(from, from + limit);
    const left = all.length - from - items.length;
    if (left > 0) this.#open.set(question, all);
    else this.#open.delete(question);
    const next = Buffer.from(JSON.stringify({ revision, from: from + items.length })).toString('base64url');
    const metadata = {
      resourceVersion: String(revision),
      ...(left > 0 ? { continue: next, remainingItemCount: left } : {}),
    };
    return {
      kind: `${type.kind}List`,
      apiVersion: apiVersionOf(type),
      metadata,
      items: items.map((item) => listed(type, item)),
    };
  }
}

/** The real one leaves out what the list says already, of its own kinds. */
function listed({ group }: ResourceType, object: ApiObject): object {
  if (group.includes('.') && !group.endsWith('.k8s.io')) return object;
  const { apiVersion: _apiVersion, kind: _kind, ...rest } = object;
  return rest;
}

function continuation(token: string): Continuation {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString()) as Continuation;
  } catch {
    throw badRequest('continue key is not valid');
  }
}
