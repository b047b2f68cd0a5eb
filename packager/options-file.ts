import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import type { FileValues } from '../models/base/command-line/option-table.ts';
import { readTextIfPresent } from '../models/base/files.ts';
import { parseWith } from '../models/base/schema.ts';
import { parseYaml } from '../models/base/yaml.ts';
import { type GivenAxes, givenAxesOf, givenAxesSchema } from '../models/manifest/batch-axis.ts';
import { formatLayoutName, isLayoutName, parseLayoutName } from './layout/layout-name.ts';
import { OPTIONS_FILE } from './pack-options.ts';

const optionsSchema = z.record(z.string(), z.unknown());

/**
 * The options beside a model file or in a model's folder; none is fine. Paths in it are made those of this
 * process.
 *
 * @throws InflessError INVALID_INPUT
 */
export async function readOptionsFile(model: string): Promise<FileValues | undefined> {
  const status = await stat(model).catch(() => undefined);
  if (status === undefined) return undefined; // a zoo name, or nothing at all: finding the model then tells
  const path = resolve(model);
  const folder = status.isDirectory() ? path : dirname(path);
  const file = join(folder, OPTIONS_FILE);
  const text = await readTextIfPresent(file);
  if (text === undefined) return undefined;
  const what = `Options file ${file}`;
  const values = parseWith(optionsSchema, parseYaml(text, { what }) ?? {}, {
    what,
    remedy: 'docs/pack.md lists what it may hold.',
  });
  const { model: only, profile, sample, base, batchAxis, cudaLibraries: libraries } = values;
  const isForAnother = typeof only === 'string' && path !== folder && join(folder, only) !== path;
  if (isForAnother) return undefined;
  return {
    file,
    values: {
      ...values,
      ...(isText(profile) && { profile: resolve(folder, profile) }),
      ...(isText(sample) && { sample: resolve(folder, sample) }),
      ...(givenAxesSchema.safeParse(batchAxis).success && {
        batchAxis: axesOf(batchAxis as number | GivenAxes),
      }),
      ...(isText(libraries) && { cudaLibraries: resolve(folder, libraries) }),
      ...(isText(base) && isLayoutName(base) && { base: layoutIn(folder, base) }),
    },
  };
}

/** A number, or axes by the names of inputs, as on the command line. */
function axesOf(given: number | GivenAxes): string[] {
  return Object.entries(givenAxesOf(given)!).map(([name, axis]) =>
    name === '' ? `${axis}` : `${name}=${axis}`,
  );
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Paths in the file are relative to its folder, wherever the program is started. */
function layoutIn(folder: string, name: string): string {
  const { directory, ...tag } = parseLayoutName(name);
  return formatLayoutName({ directory: resolve(folder, directory), ...tag });
}
