import { createHash } from 'node:crypto';

/** A body is refused once so many instances have ended by themselves while it ran alone on them. */
const MOST_DEATHS = 2;
/** For so long; then it gets another chance, as the model may have been mended. */
const REFUSED_MS = 300_000;
/** A body that nothing was heard of for so long is none of the suspects any more. */
const REMEMBERED_MS = 60_000;
/** Those that have been known longest are forgotten beyond. */
const MOST_BODIES = 1_000;

interface Suspicion {
  deaths: number;
  untilMs: number;
}

/**
 * Bodies that were in a batch when its instance died: one of them may be what it died of. Told by digest,
 * which is taken only where a body of the same length is known: almost always there is none.
 */
export class Suspects {
  readonly #byDigest = new Map<string, Suspicion>();
  /** How many of them have which length. */
  readonly #lengths = new Map<number, number>();

  /** Whether it was in a batch that an instance died under, and nothing has cleared it since. */
  has(body: Uint8Array, nowMs: number): boolean {
    return this.#find(body, nowMs) !== undefined;
  }

  isRefused(body: Uint8Array, nowMs: number): boolean {
    return (this.#find(body, nowMs)?.deaths ?? 0) >= MOST_DEATHS;
  }

  /** An instance died while this ran on it, among others or alone. */
  accuse(body: Uint8Array, nowMs: number): void {
    const digest = digestOf(body);
    const known = this.#byDigest.get(digest);
    if (known !== undefined) known.untilMs = Math.max(known.untilMs, nowMs + REMEMBERED_MS);
    else this.#add(digest, body.byteLength, { deaths: 0, untilMs: nowMs + REMEMBERED_MS });
  }

  /** An instance ended by itself while nothing but this ran on it. @returns whether it is refused from now */
  convict(body: Uint8Array, nowMs: number): boolean {
    this.accuse(body, nowMs);
    const suspicion = this.#byDigest.get(digestOf(body))!;
    suspicion.deaths += 1;
    const isRefused = suspicion.deaths >= MOST_DEATHS;
    if (isRefused) suspicion.untilMs = nowMs + REFUSED_MS;
    return isRefused;
  }

  /** It was answered while nothing else ran. */
  clear(body: Uint8Array): void {
    if (this.#lengths.has(body.byteLength)) this.#remove(digestOf(body));
  }

  #find(body: Uint8Array, nowMs: number): Suspicion | undefined {
    if (!this.#lengths.has(body.byteLength)) return undefined;
    const digest = digestOf(body);
    const suspicion = this.#byDigest.get(digest);
    if (suspicion === undefined || nowMs < suspicion.untilMs) return suspicion;
    this.#remove(digest);
    return undefined;
  }

  #add(digest: string, length: number, suspicion: Suspicion): void {
    this.#byDigest.set(digest, suspicion);
    this.#lengths.set(length, (this.#lengths.get(length) ?? 0) + 1);
    if (this.#byDigest.size > MOST_BODIES) this.#remove(this.#byDigest.keys().next().value!);
  }

  #remove(digest: string): void {
    if (!this.#byDigest.delete(digest)) return;
    const length = lengthIn(digest);
    const others = this.#lengths.get(length)! - 1;
    if (others === 0) this.#lengths.delete(length);
    else this.#lengths.set(length, others);
  }
}

function digestOf(body: Uint8Array): string {
  return `${body.byteLength}:${createHash('sha256').update(body).digest('base64')}`;
}

function lengthIn(digest: string): number {
  return Number.parseInt(digest, 10);
}
