import { copyFile, type FileHandle, open } from 'node:fs/promises';
import { InflessError } from '../../../../models/base/errors.ts';
import { type ElfSection, findElfSection } from '../../../../packager/contents/runtime/elf.ts';
import { codeVersions, keepCodeFor, type SmVersion } from './fatbin.ts';

const CUDA_CODE = '.nv_fatbin';

/**
 * A copy of a CUDA library in which only the machine code of some GPUs is left; see {@link keepCodeFor}.
 *
 * @throws InflessError INVALID_INPUT where it has no CUDA code at all for one of them
 */
export async function slimLibrary(library: string, copy: string, kept: readonly SmVersion[]): Promise<void> {
  const section = await findElfSection(library, CUDA_CODE);
  if (section === undefined) throw new InflessError('INVALID_INPUT', `${library} has no CUDA code in it`);
  await copyFile(library, copy);
  const file = await open(copy, 'r+');
  try {
    const code = await readSection(file, section);
    if (keepCodeFor(code, kept).keptBytes === 0) {
      throw new InflessError('INVALID_INPUT', `${library} has no code for sm_${kept.join(', sm_')}`, {
        remedy: 'Name the compute capability of the card, or leave --compute-capability out.',
      });
    }
    await file.write(code, 0, code.length, section.offset);
  } finally {
    await file.close();
  }
}

/** The GPUs that a library has code for; none where it has no CUDA code. */
export async function codeInLibrary(library: string): Promise<readonly SmVersion[]> {
  const section = await findElfSection(library, CUDA_CODE);
  if (section === undefined) return [];
  const file = await open(library);
  try {
    return codeVersions(await readSection(file, section));
  } finally {
    await file.close();
  }
}

async function readSection(file: FileHandle, { offset, sizeBytes }: ElfSection): Promise<Buffer> {
  const bytes = Buffer.alloc(sizeBytes);
  await file.read(bytes, 0, bytes.length, offset);
  return bytes;
}
