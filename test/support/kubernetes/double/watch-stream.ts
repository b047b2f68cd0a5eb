import type { ServerResponse } from 'node:http';
import type { ApiObject } from '../api-requests.ts';
import { expired } from './api-failure.ts';
import { matcherOf } from './listing.ts';
import type { Change, ObjectStore } from './object-store.ts';
import { apiVersionOf, type ResourceType, storageKey } from './resource-types.ts';
import type { Place } from './resources.ts';
import type { Matcher } from './selectors.ts';

/** The real one tells about once a minute; for tests that is too rarely. */
const BOOKMARK_EVERY_MS = 250;

/** Answers a watch: what changes, one JSON object a line, until its time is over or the connection ends. */
export class WatchStream {
  readonly #response: ServerResponse;
  readonly #place: Place;
  readonly #matches: Matcher;
  readonly #end: () => void;

  constructor(response: ServerResponse, store: ObjectStore, place: Place, query: URLSearchParams) {
    this.#response = response;
    this.#place = place;
    this.#matches = matcherOf(place, query);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const fromRevision = Number(query.get('resourceVersion') ?? 0);
    const unsubscribe = store.onChange((change) => this.#tell(change));
    const bookmarks =
      query.get('allowWatchBookmarks') === 'true'
        ? setInterval(() => this.#bookmark(store.revision), BOOKMARK_EVERY_MS)
        : undefined;
    const seconds = Number(query.get('timeoutSeconds') ?? 0);
    const timeout = seconds > 0 ? setTimeout(() => this.end(), seconds * 1000) : undefined;
    this.#end = () => {
      unsubscribe();
      clearInterval(bookmarks);
      clearTimeout(timeout);
    };
    response.once('close', this.#end);
    this.#begin(store, fromRevision);
  }

  end(): void {
    this.#end();
    this.#response.end();
  }

  /** As when a proxy or the server itself fails: no end of the answer, only of the connection. */
  break(): void {
    this.#response.destroy();
  }

  #begin(store: ObjectStore, fromRevision: number): void {
    if (fromRevision === 0) {
      const all = store.list(storageKey(this.#place.type)).filter(this.#matches);
      for (const object of all) this.#send('ADDED', object);
    } else if (fromRevision < store.compactedRevision) {
      const { body } = expired(`too old resource version: ${fromRevision} (${store.compactedRevision})`);
      this.#send('ERROR', body);
      this.end();
    } else {
      for (const change of store.since(fromRevision)) this.#tell(change);
    }
  }

  /** What begins to match is added, what matches no more is deleted, for who watches. */
  #tell({ storageKey: key, revision, before, after }: Change): void {
    if (key !== storageKey(this.#place.type)) return;
    const matched = before !== undefined && this.#matches(before);
    const matches = after !== undefined && this.#matches(after);
    if (matches) this.#send(matched ? 'MODIFIED' : 'ADDED', after);
    else if (matched) this.#send('DELETED', withRevision(before, revision));
  }

  #bookmark(revision: number): void {
    const { type } = this.#place;
    const metadata = { resourceVersion: String(revision), creationTimestamp: null };
    this.#send('BOOKMARK', { kind: type.kind, apiVersion: apiVersionOf(type), metadata });
  }

  #send(type: string, object: object): void {
    this.#response.write(`${JSON.stringify({ type, object: spoken(this.#place.type, object) })}\n`);
  }
}

function withRevision(object: ApiObject, revision: number): ApiObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

/** An object as the version that is asked for says it: all of a kind's versions have the same fields here. */
function spoken(type: ResourceType, object: object): object {
  return 'kind' in object && object.kind === type.kind
    ? { ...object, apiVersion: apiVersionOf(type) }
    : object;
}
