import { InflessError } from '../../../models/base/errors.ts';
import { DEFAULT_CUDA_BASE } from '../base/default-base.ts';
import type { NeededLibrary } from '../runtime/needed-libraries.ts';

const MOST_NAMED = 4;

/**
 * The sentence on libraries that an image would be without, found before it goes anywhere.
 *
 * @param there names of the libraries that it has
 * @param folders in which they were looked for beside the base
 */
export function withoutLibraries(
  base: string,
  missing: readonly NeededLibrary[],
  there: readonly string[],
  folders: readonly string[],
): InflessError {
  const named = missing.slice(0, MOST_NAMED).map((library) => describe(library, there));
  const more = missing.length - named.length;
  const list = `${named.join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
  const elsewhere = folders.length === 0 ? '' : `, and neither has ${folders.join(' or ')}`;
  const packages = [...new Set(missing.flatMap(({ package: name }) => name ?? []))].sort();
  return new InflessError(
    'INVALID_INPUT',
    `Base ${base} lacks what the CUDA provider needs${elsewhere}: ${list}`,
    {
      remedy:
        packages.length === 0
          ? 'Choose a base with glibc, libstdc++ and zlib, as Debian and Ubuntu have them.'
          : `Choose a base that has it, like ${DEFAULT_CUDA_BASE}, or add it: pip install --target cuda ${packages.join(' ')}, and --cuda-libraries cuda.`,
      details: { missing: missing.map(({ name }) => name) },
    },
  );
}

/** `libcufft.so.12 (for libonnxruntime_providers_cuda.so; libcufft.so.11 is there)` */
function describe({ name, neededBy }: NeededLibrary, there: readonly string[]): string {
  const stem = name.replace(/\.so.*$/, '.so');
  const other = there.find((each) => each.startsWith(`${stem}.`) && each !== name);
  return `${name} (for ${neededBy[0]!}${other === undefined ? '' : `; ${other} is there`})`;
}
