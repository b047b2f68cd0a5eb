import { InflessError } from '../../models/base/errors.ts';

/** A layout as a user names it: `oci:DIR[:TAG]`. */
export interface LayoutName {
  readonly directory: string;
  readonly tag?: string;
}

const PREFIX = 'oci:';
/** What the OCI specification allows in the name of a reference. */
const TAG = /^[A-Za-z0-9]+([-._:@/+][A-Za-z0-9]+|--[A-Za-z0-9]+)*$/;

export function isLayoutName(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** @throws InflessError INVALID_INPUT for a name without a folder, or with a tag that is none */
export function parseLayoutName(text: string): LayoutName {
  const rest = text.slice(PREFIX.length);
  const colon = rest.lastIndexOf(':');
  const isTagged = colon >= 0 && !rest.slice(colon).includes('/');
  const directory = isTagged ? rest.slice(0, colon) : rest;
  if (!isLayoutName(text) || directory === '') throw invalid(text, 'it names no folder');
  if (!isTagged) return { directory };
  const tag = rest.slice(colon + 1);
  if (!TAG.test(tag)) throw invalid(text, `"${tag}" is no tag`);
  return { directory, tag };
}

export function formatLayoutName({ directory, tag }: LayoutName): string {
  return `${PREFIX}${directory}${tag === undefined ? '' : `:${tag}`}`;
}

function invalid(text: string, why: string): InflessError {
  return new InflessError('INVALID_INPUT', `"${text}" is no OCI layout: ${why}`, {
    remedy: 'Write oci:FOLDER or oci:FOLDER:TAG.',
  });
}
