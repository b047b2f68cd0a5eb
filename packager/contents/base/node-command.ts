import { basename } from 'node:path/posix';
import { InflessError } from '../../../models/base/errors.ts';
import type { ImageConfig } from '../../oci/schema.ts';

/** What the serving process runs on; see `engines` in package.json. */
const OLDEST_NODE = [20, 19] as const;

/**
 * How Node.js is started in a base image, told by its config: an entry point that is Node.js (distroless), or
 * the variable by which the official images tell their version (`node:22-slim`), where it is on the PATH.
 *
 * @param name the base, as it starts the sentence
 * @throws InflessError INVALID_INPUT for a base that does not say, or has a Node.js that is too old
 */
export function nodeCommand(base: ImageConfig, name: string): readonly string[] {
  const command = findNodeCommand(base, name);
  if (command !== undefined) return command;
  throw new InflessError('INVALID_INPUT', `Base ${name} does not say where it has its Node.js`, {
    remedy:
      'Choose an image whose entry point is node, or one that sets NODE_VERSION as the official images do.',
  });
}

/** The same; undefined for a base that does not say. */
export function findNodeCommand(base: ImageConfig, name: string): readonly string[] | undefined {
  const { Entrypoint: entrypoint, Env: environment } = base.config ?? {};
  const version = environment
    ?.find((line) => line.startsWith('NODE_VERSION='))
    ?.slice('NODE_VERSION='.length);
  if (version !== undefined && isTooOld(version)) {
    throw new InflessError('INVALID_INPUT', `Base ${name} has Node.js ${version}`, {
      remedy: `Choose one with Node.js ${OLDEST_NODE.join('.')} or newer.`,
    });
  }
  if (entrypoint && basename(entrypoint.at(-1) ?? '') === 'node') return entrypoint;
  return version === undefined ? undefined : ['node'];
}

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
}
