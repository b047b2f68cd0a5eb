import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyRequest } from 'fastify';
import { InflessError, messageOf, systemCode } from '../../models/base/errors.ts';
import { HttpError } from '../../packager/server/http/http-error.ts';

/** Who may administer functions. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** As OpenFaaS mounts its secret `basic-auth`. */
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
  return async ({ headers }) => {
    const encoded = /^basic +(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
    const given = Buffer.from(encoded, 'base64').toString('utf8');
    if (timingSafeEqual(digestOf(given), expected)) return;
    throw new HttpError(401, 'The credentials are missing or not valid.', {
      'www-authenticate': 'Basic realm="Restricted"',
    });
  };
}

/** Of one length, whatever it is of: so comparing takes the same time, however much of it is right. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
