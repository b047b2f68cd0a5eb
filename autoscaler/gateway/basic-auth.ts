import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { BlockList, isIP, type Socket } from 'node:net';
import { join } from 'node:path';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { InflessError, messageOf, systemCode } from '../../models/base/errors.ts';
import { readTextIfPresent, writeFileSafely } from '../../models/base/files.ts';
import { HttpError } from '../../packager/server/http/http-error.ts';

/** Who may administer functions. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
  /** Whether this machine may look without them: what is there is no secret to its users. */
  readonly opensReads?: boolean;
}

/** As OpenFaaS mounts its secret `basic-auth`. */
const OWN_USER = 'admin';
const FILES = { user: 'basic-auth-user', password: 'basic-auth-password' };

/**
 * Reads credentials from a folder of two files, as OpenFaaS keeps them; a line end after them is not theirs.
 *
 * @throws InflessError INVALID_INPUT for a file that is missing or empty
 */
export async function readCredentials(directory: string): Promise<Credentials> {
  const user = await readField(directory, FILES.user);
  return { user, password: await readField(directory, FILES.password) };
}

/**
 * The login of a state folder, which is made the first time: for its owner's eyes only, so that who may read
 * it may administer functions.
 *
 * @throws InflessError STORAGE_FAILED where it cannot be kept
 */
export async function ownCredentials(
  stateDirectory: string,
): Promise<{ readonly credentials: Credentials; readonly passwordFile: string; readonly isNew: boolean }> {
  const passwordFile = join(stateDirectory, FILES.password);
  const known = await knownLogin(stateDirectory);
  const password = known?.password ?? randomBytes(24).toString('base64url');
  if (known === undefined) {
    const remedy = 'Choose a --state-dir that can be written and has room.';
    await writeFileSafely(passwordFile, `${password}\n`, remedy, 0o600);
  }
  const credentials = { user: OWN_USER, password, opensReads: true };
  return { credentials, passwordFile, isNew: known === undefined };
}

/** The login of a state folder, where it has one that we may read. */
export async function knownLogin(stateDirectory: string): Promise<Credentials | undefined> {
  const password = (await readTextIfPresent(join(stateDirectory, FILES.password)))?.trim();
  return password ? { user: OWN_USER, password } : undefined;
}

/** As a client sends it. */
export function basicAuthorization({ user, password }: Credentials): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

async function readField(directory: string, name: string): Promise<string> {
  const file = join(directory, name);
  const remedy = `Give a folder with the files ${FILES.user} and ${FILES.password}.`;
  let text: string;
  try {
    text = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    const reason = systemCode(error) ?? messageOf(error);
    throw new InflessError('INVALID_INPUT', `Credentials file ${file} cannot be read (${reason})`, {
      remedy,
      cause: error,
    });
  }
  if (text !== '') return text;
  throw new InflessError('INVALID_INPUT', `Credentials file ${file} is empty`, { remedy });
}

/**
 * Refuses requests that do not come with these credentials.
 *
 * @returns a hook for routes @throws HttpError 401
 */
export function basicAuth(credentials: Credentials): (request: FastifyRequest) => Promise<void> {
  const expected = digestOf(`${credentials.user}:${credentials.password}`);
  const where = credentials.opensReads
    ? ` The user is ${credentials.user}; the password is in the file ${FILES.password} of the state folder.`
    : '';
  return async ({ headers, method, raw }) => {
    const encoded = /^basic +(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
    const given = Buffer.from(encoded, 'base64').toString('utf8');
    if (timingSafeEqual(digestOf(given), expected)) return;
    const looks = method === 'GET' || method === 'HEAD';
    if (credentials.opensReads && looks && isOfThisMachine(raw.socket)) return;
    throw new HttpError(401, `The credentials are missing or not valid.${where}`, {
      'www-authenticate': 'Basic realm="Restricted"',
    });
  };
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** By loopback, or from the very address that it was sent to. */
function isOfThisMachine({ remoteAddress, localAddress }: Socket): boolean {
  if (remoteAddress === undefined) return false;
  if (remoteAddress === localAddress) return true;
  return LOOPBACK.check(remoteAddress, isIP(remoteAddress) === 6 ? 'ipv6' : 'ipv4');
}

/** Writes down each change: who, from where, what, and what came of it. */
export function auditChanges(app: FastifyInstance, logger: Logger): void {
  app.addHook('onResponse', async ({ headers, method, url, raw }, { statusCode }) => {
    if (method === 'GET' || method === 'HEAD') return;
    const encoded = /^basic +(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
    const [user = ''] = Buffer.from(encoded, 'base64').toString('utf8').split(':', 1);
    const who = user === '' || statusCode === 401 ? 'nobody known' : user;
    const path = url.split('?', 1)[0];
    logger.info(
      { user: who, from: raw.socket.remoteAddress, method, path, status: statusCode },
      'administration',
    );
  });
}

/** Of one length, whatever it is of: so comparing takes the same time, however much of it is right. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
