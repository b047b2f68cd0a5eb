import { z } from 'zod';
import { InflessError } from '../../../models/base/errors.ts';
import { parseWith } from '../../../models/base/schema.ts';

/** What functions may read and no one else must: kept by name, told to their instances only. */
export interface SecretStore {
  /** Their names, in alphabetical order. */
  list(): Promise<readonly string[]>;
  /** Whether functions can read one of this name, whoever has made it. */
  has(name: string): Promise<boolean>;
  /** @throws InflessError SECRET_EXISTS; INVALID_INPUT for a bad name or a value that is too large */
  create(name: string, value: Uint8Array): Promise<void>;
  /**
   * What instances read from then on; when those that run see it, is up to the platform.
   *
   * @throws InflessError SECRET_NOT_FOUND; INVALID_INPUT for a value that is too large
   */
  replace(name: string, value: Uint8Array): Promise<void>;
  /**
   * Functions that name it cannot start instances any more.
   *
   * @throws InflessError SECRET_NOT_FOUND
   */
  remove(name: string): Promise<void>;
}

/** What Kubernetes takes, so that a secret that is good here is good there. */
export const MAX_SECRET_BYTES = 1 << 20;

/** @throws InflessError INVALID_INPUT for a name that is none, or a value that is too large */
export function checkSecret(name: string, value: Uint8Array): void {
  parseWith(objectName, name, { what: `The name "${name}" of the secret` });
  if (value.byteLength <= MAX_SECRET_BYTES) return;
  throw new InflessError(
    'INVALID_INPUT',
    `Secret "${name}" has ${value.byteLength} bytes; at most ${MAX_SECRET_BYTES} are kept`,
  );
}

export function secretExists(name: string): InflessError {
  return new InflessError('SECRET_EXISTS', `There is a secret "${name}" already`, {
    remedy: 'Replace it, or remove it first.',
  });
}

export function secretNotFound(name: string): InflessError {
  return new InflessError('SECRET_NOT_FOUND', `There is no secret "${name}"`, {
    remedy: `Create it, e.g. with: faas-cli secret create ${name} --from-file=FILE`,
  });
}

/** Kubernetes' rule for names of objects; safe as a file's name, too. */
export const objectName = z
  .string()
  .max(253, 'must be at most 253 characters')
  .regex(
    /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/,
    'must consist of lower case letters, digits, dashes and dots, and begin and end with a letter or digit',
  );
