import { InflessError } from '../../models/base/errors.ts';
import { type Digest, digestSchema } from '../oci/schema.ts';

/** The name of an image in a registry. */
export interface Reference {
  /** Host and port as in the name: `docker.io`, `registry.example:5000`, `[::1]:5000`. */
  readonly registry: string;
  /** `library/node`, `team/models/resnet` */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const DOCKER_HUB = 'docker.io';
const DEFAULT_TAG = 'latest';

const REGISTRY = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
/** Registries and their storage give up beyond this. */
const MAX_NAME_LENGTH = 255;

/**
 * Reads `[registry/]repository[:tag][@digest]` by Docker's rules: without a registry it is Docker Hub's (and
 * there `node` is `library/node`), without tag and digest the tag is `latest`.
 *
 * @throws InflessError INVALID_INPUT that says which part is wrong
 */
export function parseReference(text: string): Reference {
  const [name = '', digest, ...surplus] = text.split('@');
  if (surplus.length > 0) throw invalid(text, 'it has more than one "@"');
  const { registry, path } = splitRegistry(name);
  const colon = path.lastIndexOf(':');
  const repository = colon < 0 ? path : path.slice(0, colon);
  const tag = colon < 0 ? undefined : path.slice(colon + 1);

  if (!REGISTRY.test(registry) || !hasValidPort(registry)) {
    throw invalid(text, `"${registry}" is no registry's host and port`);
  }
  if (!REPOSITORY.test(repository)) throw invalid(text, explainRepository(repository));
  if (registry.length + 1 + repository.length > MAX_NAME_LENGTH) {
    throw invalid(text, `its name is longer than ${MAX_NAME_LENGTH} characters`);
  }
  if (tag !== undefined && !TAG.test(tag)) {
    throw invalid(
      text,
      `the tag "${tag}" must be 1 to 128 letters, digits, "_", "." or "-", and not begin with "." or "-"`,
    );
  }
  return {
    registry,
    repository: registry === DOCKER_HUB && !repository.includes('/') ? `library/${repository}` : repository,
    ...(tag === undefined && digest === undefined ? { tag: DEFAULT_TAG } : {}),
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest: parseDigest(text, digest) }),
  };
}

/** The name in full, as {@link parseReference} reads it again. */
export function formatReference({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/**
 * The first part is a registry where it cannot be part of a repository on Docker Hub: it has a dot or port.
 */
function splitRegistry(name: string): { registry: string; path: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  if (first !== 'localhost' && !/[.:A-Z]/.test(first)) return { registry: DOCKER_HUB, path: name };
  return { registry: first === 'index.docker.io' ? DOCKER_HUB : first, path: name.slice(slash + 1) };
}

function hasValidPort(registry: string): boolean {
  const port = /:(\d+)$/.exec(registry)?.[1];
  return port === undefined || registry.endsWith(']') || (Number(port) > 0 && Number(port) < 65_536);
}

function parseDigest(text: string, digest: string): Digest {
  const parsed = digestSchema.safeParse(digest);
  if (!parsed.success) throw invalid(text, 'its digest is not sha256: and 64 hexadecimal digits');
  return parsed.data;
}

function explainRepository(repository: string): string {
  if (repository === '') return 'the repository is missing';
  if (/[A-Z]/.test(repository)) return `the repository "${repository}" must be in lower case`;
  return `the repository "${repository}" must be lower-case words joined by "/", ".", "_" or "-"`;
}

function invalid(text: string, why: string): InflessError {
  return new InflessError('INVALID_INPUT', `"${text}" names no image: ${why}`, {
    remedy: 'Write it as registry.example/team/name:tag.',
  });
}
