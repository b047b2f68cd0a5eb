import { InflessError } from '../../models/base/errors.ts';
import { type Blob, bytesBlob } from '../oci/blob.ts';
import {
  isIndexMediaType,
  isManifestMediaType,
  MANIFEST_MEDIA_TYPES,
  MEDIA_TYPES,
} from '../oci/media-types.ts';
import { type Descriptor, type Digest, MAX_JSON_BYTES } from '../oci/schema.ts';
import type { ContentStore } from '../oci/store.ts';
import { pullScopes, pushScopes } from './auth/authorization.ts';
import { formatReference, type Reference } from './reference.ts';
import type { Answer, Registry } from './registry.ts';
import { type RemoteBlob, remoteBlob } from './remote-blob.ts';

/** What one asks a repository for: by digest where there is one, else by tag. */
export type ManifestName = Pick<Reference, 'tag' | 'digest'>;

/** One repository of a registry, in the verbs of the distribution specification. */
export class Repository implements ContentStore {
  readonly registry: Registry;
  /** Without the registry: `team/models/resnet`. */
  readonly path: string;

  constructor(registry: Registry, path: string) {
    this.registry = registry;
    this.path = path;
  }

  get name(): string {
    return formatReference({ registry: this.registry.host, repository: this.path });
  }

  get pullScopes(): readonly string[] {
    return pullScopes(this.path);
  }

  get pushScopes(): readonly string[] {
    return pushScopes(this.path);
  }

  url(kind: 'blobs' | 'manifests' | 'referrers', name: string): string {
    return `/v2/${this.path}/${kind}/${name}`;
  }

  /** Content that is fetched when it is opened. */
  blob(descriptor: Descriptor): RemoteBlob {
    const { mediaType, digest } = descriptor;
    const isManifest = isManifestMediaType(mediaType) || isIndexMediaType(mediaType);
    return remoteBlob(
      this.registry,
      this.path,
      descriptor,
      this.url(isManifest ? 'manifests' : 'blobs', digest),
    );
  }

  /** Whether the registry has a blob, asked by someone about to push it. */
  async hasBlob(digest: Digest): Promise<boolean> {
    const { status } = await this.registry.ask({
      method: 'HEAD',
      url: this.url('blobs', digest),
      scopes: this.pushScopes,
      expected: [200, 404],
      deed: `tell whether ${this.path} has blob ${digest}`,
    });
    return status === 200;
  }

  /** Whether a tag or digest names this manifest already; false also where the registry does not tell. */
  async hasManifest(name: string, digest: Digest): Promise<boolean> {
    const { status, header } = await this.registry.ask({
      method: 'HEAD',
      url: this.url('manifests', name),
      scopes: this.pushScopes,
      headers: { accept: MANIFEST_MEDIA_TYPES.join(', ') },
      expected: [200, 404],
      deed: `tell whether ${this.path} has ${name}`,
    });
    return status === 200 && header('docker-content-digest') === digest;
  }

  /**
   * The manifest or index of a name.
   *
   * @throws InflessError IMAGE_NOT_FOUND, or IMAGE_CORRUPT when its bytes are not those of its digest
   */
  async manifest(name: ManifestName): Promise<Blob> {
    const found = await this.findManifest(name);
    if (found) return found;
    const missing = formatReference({ registry: this.registry.host, repository: this.path, ...name });
    throw new InflessError('IMAGE_NOT_FOUND', `There is no image ${missing}`, {
      remedy: 'Check its name and tag, and that you are logged in if it is private.',
    });
  }

  /** As {@link manifest}, but undefined where there is none. */
  async findManifest({ tag, digest }: ManifestName): Promise<Blob | undefined> {
    const name = digest ?? tag ?? 'latest';
    const answer = await this.registry.ask({
      method: 'GET',
      url: this.url('manifests', name),
      scopes: this.pullScopes,
      headers: { accept: MANIFEST_MEDIA_TYPES.join(', ') },
      expected: [200, 404],
      deed: `give ${name} of ${this.path}`,
    });
    if (answer.status === 404) return undefined;
    return this.#readManifest(answer, digest ?? answer.header('docker-content-digest'));
  }

  /**
   * Puts a manifest under a tag or its digest.
   *
   * @returns whether the registry lists it among the referrers of its `subject`
   */
  async putManifest(name: string, mediaType: string, bytes: Uint8Array): Promise<{ isListed: boolean }> {
    const { header } = await this.registry.ask({
      method: 'PUT',
      url: this.url('manifests', name),
      scopes: this.pushScopes,
      headers: { 'content-type': mediaType },
      body: () => bytes,
      expected: [200, 201, 202],
      deed: `store ${name} of ${this.path}`,
    });
    return { isListed: header('oci-subject') !== undefined };
  }

  #readManifest({ bytes, header }: Answer, expected: string | undefined): Blob {
    if (bytes.byteLength > MAX_JSON_BYTES) {
      throw this.#corrupt(`a manifest of more than the ${MAX_JSON_BYTES} bytes allowed`);
    }
    const mediaType = header('content-type')?.split(';', 1)[0]?.trim() ?? MEDIA_TYPES.manifest;
    const blob = bytesBlob(bytes, mediaType);
    const { digest } = blob.descriptor;
    if (expected !== undefined && digest !== expected) {
      throw this.#corrupt(`a manifest with digest ${digest} where ${expected} is expected`);
    }
    return blob;
  }

  #corrupt(what: string): InflessError {
    return new InflessError(
      'IMAGE_CORRUPT',
      `Registry ${this.registry.host} gives ${what} for ${this.path}`,
      {
        remedy: 'Try again; if it stays so, push the image again.',
      },
    );
  }
}
