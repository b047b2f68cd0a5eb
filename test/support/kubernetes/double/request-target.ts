import { ApiFailure } from './api-failure.ts';
import { BUILT_IN_TYPES } from './built-in-types.ts';
import { customTypes, DEFINITIONS } from './custom-types.ts';
import type { ObjectStore } from './object-store.ts';
import { type ResourceType, storageKey } from './resource-types.ts';
import type { Place } from './resources.ts';

/** What a path is about: all objects of a place, one of them, or a part of one. */
export interface RequestTarget extends Place {
  readonly name: string | undefined;
  /** `status`, `log`, …; empty for the object itself. */
  readonly subresource: string;
}

const PATH = /^\/(?:api|apis\/(?<group>[^/]+))\/(?<version>[^/]+)\/(?<rest>.+)$/;

/** The kinds that there are, CustomResourceDefinitions' included, by the paths they are found at. */
export class KnownTypes {
  readonly #store: ObjectStore;
  /** Compiling a schema takes long; a definition is looked at again only when it is another object. */
  readonly #compiled = new WeakMap<object, readonly ResourceType[]>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  get all(): readonly ResourceType[] {
    const definitions = this.#store.list(storageKey(DEFINITIONS));
    const custom = definitions.flatMap((definition) => {
      const types = this.#compiled.get(definition) ?? customTypes(definition);
      this.#compiled.set(definition, types);
      return types;
    });
    return [...BUILT_IN_TYPES, DEFINITIONS, ...custom];
  }

  /** @throws ApiFailure 404 where nothing of the kind is served */
  target(path: string): RequestTarget {
    const { group = '', version, rest } = PATH.exec(path)?.groups ?? {};
    const parts = rest?.split('/').map(decodeURIComponent) ?? [];
    const isNamespaced = parts[0] === 'namespaces' && parts.length > 2;
    const namespace = isNamespaced ? parts[1] : undefined;
    const [plural, name, subresource = '', ...more] = isNamespaced ? parts.slice(2) : parts;
    const type = this.all.find(
      (each) => each.group === group && each.version === version && each.plural === plural,
    );
    const isKnown =
      type !== undefined &&
      more.length === 0 &&
      (namespace === undefined || type.namespaced) &&
      (name === undefined || !type.namespaced || namespace !== undefined) &&
      (subresource === '' || type.subresources.includes(subresource));
    if (!isKnown) throw new ApiFailure(404, 'NotFound', 'the server could not find the requested resource');
    return { type, namespace, name, subresource };
  }
}
