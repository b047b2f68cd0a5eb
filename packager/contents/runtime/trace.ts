import { createHash } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { InflessError } from '../../../models/base/errors.ts';
import { cacheDirectory, readTextIfPresent, writeFileSafely } from '../../../models/base/files.ts';
import { fileIdentity } from '../../../models/base/memory.ts';
import { packageRoot, programFile } from '../../../models/base/package.ts';
import { ENGINES, engineFor } from '../../../models/engines/index.ts';
import { mapInSlices } from '../in-slices.ts';
import { askOwnProcess } from '../own-process.ts';
import type { Program } from './program.ts';

const PROCESS = 'packager/contents/runtime/trace-process';

/** What the tracing process is asked. */
export interface TraceRequest {
  /** Files to begin at. */
  readonly entries: readonly string[];
  /** Packages that are left out, with all that only they lead to. */
  readonly without: readonly string[];
}

const memorySchema = z.object({ identity: z.string(), files: z.array(z.string()) });

/**
 * Every file that a program loads, as absolute paths in order: our own and those of its dependencies, found
 * by following imports. What no import reaches (sources, types, maps, other programs of ours) is not there.
 *
 * Following takes seconds, so it is remembered for as long as none of the files has changed.
 */
export async function traceRuntime(program: Program, signal?: AbortSignal): Promise<readonly string[]> {
  const request = requestFor(program);
  const memory = memoryFile(request);
  const known = await recall(memory);
  if (known !== undefined) return known;
  const files = await trace(program, request, signal);
  const identity = await identityOf(files);
  if (identity !== undefined)
    await writeFileSafely(memory, JSON.stringify({ identity, files })).catch(ignore);
  return files;
}

function requestFor({ entry, others, formats }: Program): TraceRequest {
  const unwanted = ENGINES.filter(({ format }) => !formats.includes(format));
  return {
    entries: [entry, ...others].map(programFile),
    without: unwanted.flatMap(({ runtime }) => runtime.packages),
  };
}

async function trace(
  { formats }: Program,
  request: TraceRequest,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  await ensureBuilt(request.entries);
  const files = await askOwnProcess<string[]>(PROCESS, [JSON.stringify(request)], signal);
  const unnamed = formats.flatMap((format) => engineFor(format).runtime.files);
  const found = unnamed.map((name) => fileOfPackage(files, name));
  // Ours is found without an import: it is how the process knows its version.
  return [...new Set([...files, ...found, join(packageRoot, 'package.json')])].sort();
}

/**
 * Where a file lies of a package, by the package's own `package.json`, which is traced.
 *
 * @param name `package/path`
 * @throws InflessError PLATFORM_FAILED where the package is not among the files
 */
export function fileOfPackage(files: readonly string[], name: string): string {
  const [scope, simple] = name.split('/') as [string, string];
  const owner = scope.startsWith('@') ? join(scope, simple) : scope;
  const manifest = files.find((file) => file.endsWith(join('node_modules', owner, 'package.json')));
  if (manifest !== undefined) return join(dirname(manifest), name.slice(owner.length));
  throw new InflessError('PLATFORM_FAILED', `Package ${owner} is not installed, and an image is made of it`, {
    remedy: `Run npm install ${owner}, where infless is installed.`,
  });
}

async function ensureBuilt(entries: readonly string[]): Promise<void> {
  for (const file of entries) {
    await lstat(file).catch((error: unknown) => {
      throw new InflessError('PLATFORM_FAILED', `${file} does not exist, and an image is made of it`, {
        remedy: 'Run npm run build, or install infless again.',
        cause: error,
      });
    });
  }
}

async function recall(memory: string): Promise<readonly string[] | undefined> {
  try {
    const { identity, files } = memorySchema.parse(JSON.parse((await readTextIfPresent(memory)) ?? ''));
    return identity === (await identityOf(files)) ? files : undefined;
  } catch {
    return undefined; // none, damaged, or of files that are gone
  }
}

/**
 * Changes with every file that is replaced or edited; undefined where one has gone, as while somebody builds.
 */
async function identityOf(files: readonly string[]): Promise<string | undefined> {
  const identities = await mapInSlices(files, fileIdentity);
  if (identities.includes(undefined)) return undefined;
  return createHash('sha256').update(identities.join('\0')).digest('hex');
}

function memoryFile(request: TraceRequest): string {
  const key = createHash('sha256').update(JSON.stringify(request)).digest('hex').slice(0, 16);
  return join(cacheDirectory(), 'runtime', `trace-${key}.json`);
}

/** Where the cache cannot be written, every run traces for itself. */
function ignore(error: unknown): void {
  if (!(error instanceof InflessError)) throw error;
}
