import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { InflessError, messageOf } from '../models/base/errors.ts';
import { readTextIfPresent } from '../models/base/files.ts';
import { parseWith } from '../models/base/schema.ts';
import { ACCELERATORS } from './contents/pack-image.ts';
import { formatLayoutName, isLayoutName, parseLayoutName } from './layout/layout-name.ts';

/** Beside a model: how it is packed, so that nobody needs to remember the options. */
export const OPTIONS_FILE = 'infless.yaml';

const optionsSchema = z.strictObject({
  /** Which file of the folder is the model. The options are for this one alone, then. */
  model: z.string().min(1).exactOptional(),
  name: z.string().min(1).exactOptional(),
  version: z.string().min(1).exactOptional(),
  source: z.string().min(1).exactOptional(),
  tag: z.string().min(1).exactOptional(),
  base: z.string().min(1).exactOptional(),
  platforms: z.array(z.string().min(1)).min(1).exactOptional(),
  /** A table, relative to this file; false for none. */
  profile: z.union([z.string().min(1), z.literal(false)]).exactOptional(),
  include: z.array(z.string().min(1)).exactOptional(),
  accelerator: z.enum(ACCELERATORS).exactOptional(),
  /** A folder, relative to this file, with libraries of the accelerator. */
  cudaLibraries: z.string().min(1).exactOptional(),
  slo: z.string().exactOptional(),
  maxBatch: z.int().min(1).max(4096).exactOptional(),
});

/** Options as `infless.yaml` has them; each has a flag of the same name, which wins. */
export type FileOptions = z.output<typeof optionsSchema>;

/**
 * The options beside a model file or in a model's folder; none is fine.
 *
 * @throws InflessError INVALID_INPUT
 */
export async function readOptionsFile(model: string): Promise<FileOptions> {
  const status = await stat(model).catch(() => undefined);
  if (status === undefined) return {}; // a zoo name, or nothing at all: finding the model then tells
  const path = resolve(model);
  const folder = status.isDirectory() ? path : dirname(path);
  const file = join(folder, OPTIONS_FILE);
  const text = await readTextIfPresent(file);
  if (text === undefined) return {};
  const options = parseWith(optionsSchema, parseYaml(text, file) ?? {}, {
    what: `Options file ${file}`,
    remedy: 'docs/packing.md lists what it may hold.',
  });
  const isForAnother = options.model !== undefined && path !== folder && join(folder, options.model) !== path;
  if (isForAnother) return {};
  const { profile, base, cudaLibraries } = options;
  return {
    ...options,
    ...(typeof profile === 'string' && { profile: resolve(folder, profile) }),
    ...(cudaLibraries !== undefined && { cudaLibraries: resolve(folder, cudaLibraries) }),
    ...(base !== undefined && isLayoutName(base) && { base: layoutIn(folder, base) }),
  };
}

/** Paths in the file are relative to its folder, wherever the program is started. */
function layoutIn(folder: string, name: string): string {
  const { directory, ...tag } = parseLayoutName(name);
  return formatLayoutName({ directory: resolve(folder, directory), ...tag });
}

function parseYaml(text: string, file: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    const [line] = messageOf(error).split('\n');
    throw new InflessError('INVALID_INPUT', `Options file ${file} is not YAML (${line})`, { cause: error });
  }
}
