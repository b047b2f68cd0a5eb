import { packageVersion } from '../../models/base/package.ts';
import type { ModelManifest } from '../../models/manifest/manifest.ts';
import type { Digest } from '../oci/schema.ts';
import { HEALTH_PATH, READY_PATH } from '../server/instance-protocol.ts';

/** What an image says of itself, beside what the OCI specification has names for. */
export const ANNOTATION = {
  packer: 'io.infless.version',
  modelName: 'io.infless.model.name',
  modelFormat: 'io.infless.model.format',
  modelDigest: 'io.infless.model.digest',
  /** What runs the model beside the CPU. */
  accelerator: 'io.infless.accelerator',
  /** Digest of `/infless/manifest.json`: the model's inputs and outputs. */
  manifestDigest: 'io.infless.manifest.digest',
  /** Digest of `/infless/profile.json`: the model's latency–resource table. */
  profileDigest: 'io.infless.profile.digest',
  /** The kind of host the table was measured on. */
  profileHost: 'io.infless.profile.host',
  sbomDigest: 'io.infless.sbom.digest',
  healthPath: 'io.infless.health.path',
  readyPath: 'io.infless.ready.path',
} as const;

export const OCI_ANNOTATION = {
  title: 'org.opencontainers.image.title',
  description: 'org.opencontainers.image.description',
  version: 'org.opencontainers.image.version',
  source: 'org.opencontainers.image.source',
  created: 'org.opencontainers.image.created',
  baseName: 'org.opencontainers.image.base.name',
  baseDigest: 'org.opencontainers.image.base.digest',
} as const;

export interface ImageFacts {
  readonly model: ModelManifest;
  /** Of the model, as its owner counts; else the beginning of its digest stands for it. */
  readonly version: string | undefined;
  /** Where the model comes from, a URL. */
  readonly source: string | undefined;
  readonly created: string;
  readonly accelerator?: string | undefined;
  readonly base: { readonly name: string | undefined; readonly digest: Digest };
  readonly manifestDigest: Digest;
  readonly profile: { readonly digest: Digest; readonly host: string } | undefined;
  readonly sbomDigest: Digest;
}

/** Annotations of the image, which are its labels as well: some tools show the one, some the other. */
export function annotationsOf(facts: ImageFacts): Readonly<Record<string, string>> {
  const { model, base, profile, source, accelerator } = facts;
  const digits = model.digest.slice('sha256:'.length);
  return {
    [OCI_ANNOTATION.title]: model.name,
    [OCI_ANNOTATION.description]: `${model.name} (${model.format}) served over HTTP by INFless`,
    [OCI_ANNOTATION.version]: facts.version ?? digits.slice(0, 12),
    ...(source === undefined ? {} : { [OCI_ANNOTATION.source]: source }),
    ...baseAnnotations(base, facts.created),
    [ANNOTATION.packer]: packageVersion,
    [ANNOTATION.modelName]: model.name,
    [ANNOTATION.modelFormat]: model.format,
    [ANNOTATION.modelDigest]: model.digest,
    ...(accelerator === undefined ? {} : { [ANNOTATION.accelerator]: accelerator }),
    [ANNOTATION.manifestDigest]: facts.manifestDigest,
    ...(profile === undefined
      ? {}
      : { [ANNOTATION.profileDigest]: profile.digest, [ANNOTATION.profileHost]: profile.host }),
    [ANNOTATION.sbomDigest]: facts.sbomDigest,
    [ANNOTATION.healthPath]: HEALTH_PATH,
    [ANNOTATION.readyPath]: READY_PATH,
  };
}

/** What is said of every image: when it is from, by the clock that digests go by, and what it is built on. */
export function baseAnnotations(base: ImageFacts['base'], created: string): Readonly<Record<string, string>> {
  return {
    [OCI_ANNOTATION.created]: created,
    ...(base.name === undefined ? {} : { [OCI_ANNOTATION.baseName]: base.name }),
    [OCI_ANNOTATION.baseDigest]: base.digest,
  };
}
