import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { InflessError, messageOf, systemCode } from '../../../models/base/errors.ts';

/** The shared libraries of some programs: by the name they are asked for, where they lie. */
export interface SharedLibraries {
  /** The dynamic loader, at the very path that programs have built in. */
  readonly loader: string;
  readonly files: ReadonlyMap<string, string>;
}

/**
 * What the system's own loader would load for these programs and libraries.
 *
 * @throws InflessError PLATFORM_FAILED where there is no `ldd`, or a library is missing
 */
export async function sharedLibraries(programs: readonly string[]): Promise<SharedLibraries> {
  const libraries = new Map<string, string>();
  let loader: string | undefined;
  for (const program of programs) {
    for (const line of (await ldd(program)).split('\n')) {
      const needed = /^\s*(\S+) => (?:(\/\S+) \(0x|(not found))/.exec(line);
      if (needed?.[3] !== undefined) throw missing(program, needed[1]!);
      if (needed?.[2] !== undefined) libraries.set(needed[1]!, needed[2]);
      loader ??= /^\s*(\/\S+) \(0x/.exec(line)?.[1];
    }
  }
  if (loader === undefined) {
    throw new InflessError('PLATFORM_FAILED', `ldd names no loader for ${programs.join(', ')}`, {
      remedy: 'Give another --base: a registry image or an OCI layout with Node.js in it.',
    });
  }
  return { loader, files: libraries };
}

async function ldd(program: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('ldd', [program], {
      // its own search path must not lead into this machine's oddities
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
    });
    return stdout;
  } catch (error) {
    const why = systemCode(error) === 'ENOENT' ? 'ldd is not installed' : messageOf(error).split('\n')[0];
    throw new InflessError(
      'PLATFORM_FAILED',
      `The shared libraries of ${program} cannot be listed (${why})`,
      {
        remedy: '--base host needs Linux with glibc; elsewhere give a registry image or an OCI layout.',
        cause: error,
      },
    );
  }
}

function missing(program: string, library: string): InflessError {
  return new InflessError('PLATFORM_FAILED', `${program} needs ${library}, which is not installed`, {
    remedy: 'Install it, or give another --base.',
  });
}
