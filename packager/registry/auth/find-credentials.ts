import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { InflessError } from '../../../models/base/errors.ts';
import { readTextIfPresent } from '../../../models/base/files.ts';
import { parseWith } from '../../../models/base/schema.ts';
import { askCredentialHelper, type Credentials } from './credential-helper.ts';

const entrySchema = z.object({
  /** `user:password` in base64. */
  auth: z.string().exactOptional(),
  username: z.string().exactOptional(),
  password: z.string().exactOptional(),
  identitytoken: z.string().exactOptional(),
});

type Entry = z.output<typeof entrySchema>;

/** What `docker login`, `podman login`, `skopeo login` and `oras login` write. */
const configSchema = z.object({
  auths: z.record(z.string(), entrySchema).exactOptional(),
  credHelpers: z.record(z.string(), z.string()).exactOptional(),
  credsStore: z.string().exactOptional(),
});

/** Docker knows its own registry by the address of an interface that is long gone. */
const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';

/**
 * What the user has logged in with, or undefined where nothing is known of the registry. The files are asked
 * in the order of `$DOCKER_CONFIG` (`~/.docker`) and podman's `$REGISTRY_AUTH_FILE`
 * (`$XDG_RUNTIME_DIR/containers/auth.json`); in each a helper for the registry, then the helper for all, then
 * the plain entries.
 *
 * @throws InflessError INVALID_INPUT for a file that cannot be understood or a helper that fails
 */
export async function findCredentials(
  registry: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Credentials | undefined> {
  const key = registry === 'docker.io' ? DOCKER_HUB_KEY : registry;
  for (const file of configFiles(environment)) {
    const found = await findIn(file, key, environment);
    if (found) return found;
  }
  return undefined;
}

function configFiles(environment: NodeJS.ProcessEnv): string[] {
  const runtime = environment.XDG_RUNTIME_DIR;
  return [
    join(environment.DOCKER_CONFIG || join(environment.HOME || homedir(), '.docker'), 'config.json'),
    environment.REGISTRY_AUTH_FILE || (runtime ? join(runtime, 'containers', 'auth.json') : ''),
  ].filter((file) => file !== '');
}

async function findIn(
  file: string,
  key: string,
  environment: NodeJS.ProcessEnv,
): Promise<Credentials | undefined> {
  const config = await readConfig(file);
  if (!config) return undefined;
  const helper = config.credHelpers?.[key] ?? config.credsStore;
  const answer = helper ? await askCredentialHelper(helper, key, environment) : undefined;
  if (answer) return answer;
  const entry = Object.entries(config.auths ?? {}).find(([name]) => hostOf(name) === hostOf(key))?.[1];
  return entry && fromEntry(entry, key, file);
}

async function readConfig(file: string): Promise<z.output<typeof configSchema> | undefined> {
  const text = await readTextIfPresent(file);
  if (text === undefined) return undefined;
  const boundary = { what: `Login file ${file}`, remedy: 'Mend or remove it, and log in again.' };
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new InflessError('INVALID_INPUT', `${boundary.what} is no JSON`, {
      remedy: boundary.remedy,
      cause: error,
    });
  }
  return parseWith(configSchema, data, boundary);
}

/**
 * Entries of older tools have a scheme and the version of the interface: `https://registry.example/v2/`.
 * Other paths stay, as podman's entries for a single namespace are not the whole registry's.
 */
function hostOf(name: string): string {
  const host = name.replace(/^https?:\/\//, '').replace(/(?:\/v[12])?\/?$/, '');
  return host === 'index.docker.io' ? 'docker.io' : host;
}

/** An entry without content is what Docker leaves in the file when a helper holds the rest. */
function fromEntry(entry: Entry, key: string, file: string): Credentials | undefined {
  if (entry.identitytoken) return { type: 'identity-token', token: entry.identitytoken };
  if (entry.username !== undefined && entry.password !== undefined) {
    return { type: 'password', user: entry.username, password: entry.password };
  }
  if (!entry.auth) return undefined;
  const text = Buffer.from(entry.auth, 'base64').toString();
  const colon = text.indexOf(':');
  if (colon < 0) {
    throw new InflessError(
      'INVALID_INPUT',
      `Login file ${file} has an "auth" for ${hostOf(key)} that is not user:password in base64`,
      { remedy: 'Log in again.' },
    );
  }
  return { type: 'password', user: text.slice(0, colon), password: text.slice(colon + 1) };
}
