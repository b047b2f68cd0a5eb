import { copyFile, open } from 'node:fs/promises';
import { InflessError } from '../../../models/base/errors.ts';
import { findElfSection } from '../../../packager/contents/runtime/elf.ts';
import { keepCodeFor, type SmVersion } from './fatbin.ts';

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
    const code = Buffer.alloc(section.sizeBytes);
    await file.read(code, 0, code.length, section.offset);
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
