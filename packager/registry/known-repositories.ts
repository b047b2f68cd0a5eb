import { join } from 'node:path';
import { z } from 'zod';
import { cacheDirectory, readTextIfPresent, writeFileSafely } from '../../models/base/files.ts';
import { type Digest, digestSchema } from '../oci/schema.ts';
import { parseJson } from './http/response-body.ts';

const fileSchema = z.record(z.string(), z.array(z.tuple([digestSchema, z.string()])));

/** Enough for the layers of some hundred images. */
const MAX_BLOBS = 1000;

/**
 * In which repository of a registry a blob was pushed last, remembered between runs: the runtime layer of a
 * second model's image need not be sent again. It is a hint and may be wrong; then the blob is sent after
 * all.
 */
export class KnownRepositories {
  readonly #file: string;
  readonly #registry: string;
  readonly #byDigest: Map<Digest, string>;

  private constructor(file: string, registry: string, byDigest: Map<Digest, string>) {
    this.#file = file;
    this.#registry = registry;
    this.#byDigest = byDigest;
  }

  static async load(registry: string, environment: NodeJS.ProcessEnv): Promise<KnownRepositories> {
    const file = join(cacheDirectory(environment), 'pushed-blobs.json');
    return new KnownRepositories(file, registry, new Map((await read(file))[registry]));
  }

  of(digest: Digest): string | undefined {
    return this.#byDigest.get(digest);
  }

  remember(digests: Iterable<Digest>, repository: string): void {
    for (const digest of digests) {
      this.#byDigest.delete(digest); // to the end: the oldest are forgotten first
      this.#byDigest.set(digest, repository);
    }
  }

  /** A cache that cannot be written costs time later, and no one an error now. */
  async save(): Promise<void> {
    const content = { ...(await read(this.#file)), [this.#registry]: [...this.#byDigest].slice(-MAX_BLOBS) };
    await writeFileSafely(this.#file, JSON.stringify(content)).catch(() => {});
  }
}

async function read(file: string): Promise<z.output<typeof fileSchema>> {
  const text = await readTextIfPresent(file).catch(() => undefined);
  const parsed = fileSchema.safeParse(parseJson(text ?? '{}'));
  return parsed.success ? parsed.data : {};
}
