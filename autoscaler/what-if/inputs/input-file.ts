import { readFile } from 'node:fs/promises';
import { InflessError, messageOf, systemCode } from '../../../models/base/errors.ts';

/**
 * The text of a file that a user has named.
 *
 * @param what starts the sentence: `Cluster file cluster.yaml`
 * @throws InflessError INVALID_INPUT
 */
export async function readInputFile(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = systemCode(error);
    const why = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code ?? messageOf(error)})`;
    throw new InflessError('INVALID_INPUT', `${what} ${why}`, { remedy: 'Check the path.', cause: error });
  }
}
