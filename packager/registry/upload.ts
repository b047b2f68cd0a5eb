import type { Readable } from 'node:stream';
import { InflessError } from '../../models/base/errors.ts';
import type { Blob } from '../oci/blob.ts';
import { pullScopes } from './auth/authorization.ts';
import { type RetryBudget, TransientFailure } from './http/patience.ts';
import { metered } from './metered.ts';
import type { Answer, RegistryRequest } from './registry.ts';
import type { Repository } from './repository.ts';

/** An upload the registry has begun: where it goes on, and from which byte. */
interface Session {
  readonly url: URL;
  readonly offset: number;
}

/**
 * An upload that is unknown or further or nearer than thought: it has expired, or the registry was restarted,
 * or is several that do not know of each other. It can be begun anew.
 */
const LOST_STATUSES: readonly number[] = [404, 416];

/** Longest time in which a registry takes nothing of a blob, before the connection is taken for dead. */
const STALL_MS = 60_000;

/** A user who stops us waits no longer than this. */
const ABANDON_MS = 2000;

const BYTES = { 'content-type': 'application/octet-stream' };

/**
 * Pushes one blob, streamed. Where the registry has it in repository `mountFrom` it is taken over from there,
 * and nothing is sent. A connection that breaks is taken up where the registry says it broke, or begun anew
 * where it has forgotten.
 */
export async function uploadBlob(
  repository: Repository,
  blob: Blob,
  mountFrom: string | undefined,
  onSent: (sentBytes: number) => void,
): Promise<'mounted' | 'pushed'> {
  const upload = new Upload(repository, blob, onSent);
  const first = await (mountFrom === undefined ? upload.begin() : upload.mount(mountFrom));
  if (first === 'mounted') return 'mounted';
  await upload.finish(first);
  return 'pushed';
}

class Upload {
  readonly #repository: Repository;
  readonly #blob: Blob;
  readonly #onSent: (sentBytes: number) => void;

  constructor(repository: Repository, blob: Blob, onSent: (sentBytes: number) => void) {
    this.#repository = repository;
    this.#blob = blob;
    this.#onSent = onSent;
  }

  async begin(): Promise<Session> {
    const { path, pushScopes } = this.#repository;
    const url = `/v2/${path}/blobs/uploads/`;
    const answer = await this.#post(url, pushScopes, [202]);
    return { url: this.#next(answer, url), offset: 0 };
  }

  /**
   * Takes the blob over from another repository, or begins an upload where that has it no more or may not be
   * read.
   */
  async mount(from: string): Promise<Session | 'mounted'> {
    const { path, pushScopes } = this.#repository;
    const { digest } = this.#blob.descriptor;
    const url = `/v2/${path}/blobs/uploads/?${new URLSearchParams({ mount: digest, from })}`;
    try {
      const answer = await this.#post(url, [...pushScopes, ...pullScopes(from)], [201, 202]);
      return answer.status === 201 ? 'mounted' : { url: this.#next(answer, url), offset: 0 };
    } catch (error) {
      // which fails as well, if it was not the mount's fault
      if (error instanceof InflessError) return this.begin();
      throw error;
    }
  }

  #post(url: string, scopes: readonly string[], expected: readonly number[]): Promise<Answer> {
    const { registry, path } = this.#repository;
    return registry.ask({
      method: 'POST',
      url,
      scopes,
      headers: { 'content-length': '0' },
      expected,
      deed: `begin an upload to ${path}`,
    });
  }

  /** Sends all of the blob, or leaves nothing of it behind. */
  async finish(first: Session): Promise<void> {
    const patience = this.#repository.registry.patience();
    let session = first;
    for (;;) {
      try {
        await this.#send(session);
        return;
      } catch (error) {
        const resumed = await this.#afterFailure(error, session, patience);
        if (resumed === 'complete') return;
        if (resumed.offset > session.offset) patience.renew();
        session = resumed;
      }
    }
  }

  async #afterFailure(
    error: unknown,
    session: Session,
    patience: RetryBudget,
  ): Promise<Session | 'complete'> {
    try {
      await patience.after(error);
      return await this.#resume(session);
    } catch (final) {
      await this.#abandon(session);
      throw final;
    }
  }

  /**
   * What arrived takes room in the registry, in many for a week (Debian's lets no one clear away what broke).
   * Done also for a user who has stopped us.
   */
  async #abandon({ url }: Session): Promise<void> {
    const { registry, pushScopes } = this.#repository;
    const request: RegistryRequest = {
      method: 'DELETE',
      url,
      scopes: pushScopes,
      expected: [202, 204],
      deed: 'forget an upload',
      signal: AbortSignal.timeout(ABANDON_MS),
    };
    await registry.askOnce(request).catch(() => {}); // the failure before this one is what the user is told
  }

  /** From the start in one request; from the middle in two, as only PATCH may say where its bytes belong. */
  async #send({ url, offset }: Session): Promise<void> {
    const { size } = this.#blob.descriptor;
    if (offset === 0) {
      await this.#complete(url, { 'content-length': String(size) }, () => this.#open(0));
      return;
    }
    const rest = offset < size ? await this.#append(url, offset) : url;
    await this.#complete(rest, { 'content-length': '0' });
  }

  async #append(url: URL, offset: number): Promise<URL> {
    const { size } = this.#blob.descriptor;
    const { registry, pushScopes } = this.#repository;
    const answer = await registry.askOnce({
      method: 'PATCH',
      url,
      scopes: pushScopes,
      headers: {
        ...BYTES,
        'content-length': String(size - offset),
        'content-range': `${offset}-${size - 1}`,
      },
      body: () => this.#open(offset),
      expected: [202, 204, ...LOST_STATUSES],
      deed: this.#deed,
    });
    this.#notLost(answer);
    return this.#next(answer, url);
  }

  async #complete(url: URL, headers: Record<string, string>, body?: () => Readable): Promise<void> {
    const { registry, pushScopes } = this.#repository;
    const target = new URL(url);
    target.searchParams.set('digest', this.#blob.descriptor.digest);
    const answer = await registry.askOnce({
      method: 'PUT',
      url: target,
      scopes: pushScopes,
      headers: { ...BYTES, ...headers },
      ...(body === undefined ? {} : { body }),
      expected: [201, 204, ...LOST_STATUSES],
      deed: this.#deed,
    });
    this.#notLost(answer);
  }

  /** How far the registry got. It may have all, and only the word of it was lost. */
  async #resume(session: Session): Promise<Session | 'complete'> {
    const { url } = session;
    const { registry, pushScopes } = this.#repository;
    if (await this.#repository.hasBlob(this.#blob.descriptor.digest)) return 'complete';
    const answer = await registry.ask({
      method: 'GET',
      url,
      scopes: pushScopes,
      // Debian's registry, for one, ends an upload that broke; others know no such question.
      expected: [200, 202, 204, 400, 405, ...LOST_STATUSES],
      deed: 'tell how far an upload got',
    });
    const isKnown = answer.status < 300;
    const offset = isKnown ? offsetOf(answer.header('range')) : 0;
    if (offset > 0 && offset <= this.#blob.descriptor.size) return { url: this.#next(answer, url), offset };
    if (isKnown) await this.#abandon(session);
    return this.begin();
  }

  #notLost({ status }: Answer): void {
    if (!LOST_STATUSES.includes(status)) return;
    throw this.#transient(
      'lost track of the upload of',
      'Try again; if there are several registries behind this name, they must share their secret.',
    );
  }

  #open(offset: number): Readable {
    let sentBytes = offset;
    return metered(this.#blob.open(offset), {
      onBytes: (sizeBytes) => {
        sentBytes += sizeBytes;
        this.#onSent(sentBytes);
      },
      stallMs: STALL_MS,
      stalled: () => this.#transient('takes no more of', 'Check the network, then try again.'),
    });
  }

  #transient(what: string, remedy: string): TransientFailure {
    const sentence = `Registry ${this.#repository.registry.host} ${what} blob ${this.#blob.descriptor.digest}`;
    return new TransientFailure(new InflessError('REGISTRY_FAILED', sentence, { remedy }));
  }

  #next(answer: Pick<Answer, 'header'>, base: URL | string): URL {
    const { registry } = this.#repository;
    const url = registry.locationOf(answer, base);
    if (url) return url;
    throw new InflessError(
      'REGISTRY_FAILED',
      `Registry ${registry.host} does not say where an upload goes on`,
      {
        remedy: 'Check that this is the address of a registry.',
      },
    );
  }

  get #deed(): string {
    return `store blob ${this.#blob.descriptor.digest}`;
  }
}

/** `0-1023` is what the registry has: 1024 bytes. `0-0` is one byte or none, so it counts as none. */
function offsetOf(range: string | undefined): number {
  const last = Number(/^(?:bytes=)?0-(\d+)$/.exec(range ?? '')?.[1] ?? 0);
  return last === 0 ? 0 : last + 1;
}
