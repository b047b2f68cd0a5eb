import { InflessError } from '../../models/base/errors.ts';

/** Where in the namespace a profile table lies. */
export interface ProfileReference {
  readonly name: string;
  readonly key?: string | undefined;
}

const PREFIX = 'configmap:';
const FORM = /^configmap:([a-z0-9]([-a-z0-9.]*[a-z0-9])?)(?:\/([-._a-zA-Z0-9]+))?$/;

export function isProfileReference(text: string): boolean {
  return text.startsWith(PREFIX);
}

/**
 * Reads `configmap:NAME[/KEY]`, which is how declarations name a table on Kubernetes.
 *
 * @throws InflessError INVALID_INPUT, for a path of this machine as well: another replica could not read it.
 */
export function parseProfileReference(text: string): { name: string; key: string } {
  const [, name, , key = DEFAULT_PROFILE_KEY] = FORM.exec(text) ?? [];
  if (name !== undefined) return { name, key };
  throw new InflessError('INVALID_INPUT', `Profile "${text}" names no table of the cluster`, {
    remedy: `Pack the table into the image, or put it into a ConfigMap and write ${PREFIX}NAME/KEY.`,
  });
}

export function formatProfileReference({ name, key = DEFAULT_PROFILE_KEY }: ProfileReference): string {
  return `${PREFIX}${name}/${key}`;
}

/** Where a profile table lies in its ConfigMap unless the reference says otherwise. */
export const DEFAULT_PROFILE_KEY = 'profile.json';
