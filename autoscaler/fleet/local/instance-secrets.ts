import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { InflessError } from '../../../models/base/errors.ts';
import { SecretFiles } from '../../functions/secrets/secret-files.ts';

const ENDING = '.secrets';

/**
 * What each instance may read: a folder of its own, `<id>.secrets`, of links to the secrets that its function
 * names. Links, so that a secret that is replaced is replaced for those that run, too.
 */
export class InstanceSecrets {
  readonly #directory: string;
  readonly #secrets: SecretFiles;

  constructor(directory: string, stateDirectory: string) {
    this.#directory = directory;
    this.#secrets = new SecretFiles(stateDirectory);
  }

  /**
   * Makes the folder of an instance.
   *
   * @returns its path; undefined for an instance without secrets
   * @throws InflessError PLATFORM_FAILED for a secret that is not there
   */
  async provide(id: string, names: readonly string[]): Promise<string | undefined> {
    if (names.length === 0) return undefined;
    for (const name of names) {
      if (await this.#secrets.has(name)) continue;
      throw new InflessError('PLATFORM_FAILED', `Instance ${id} needs secret "${name}", which is not there`, {
        remedy: `Create it, e.g. with: faas-cli secret create ${name} --from-file=FILE`,
      });
    }
    const folder = this.#folder(id);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await Promise.all(names.map((name) => symlink(this.#secrets.fileOf(name), join(folder, name))));
    return folder;
  }

  async remove(id: string): Promise<void> {
    await rm(this.#folder(id), { recursive: true, force: true });
  }

  /** Removes the folders of instances that are no more. */
  async sweep(runningIds: ReadonlySet<string>): Promise<void> {
    const folders = (await readdir(this.#directory)).filter((file) => file.endsWith(ENDING));
    const ids = folders.map((folder) => folder.slice(0, -ENDING.length));
    await Promise.all(ids.filter((id) => !runningIds.has(id)).map((id) => this.remove(id)));
  }

  #folder(id: string): string {
    return join(this.#directory, `${id}${ENDING}`);
  }
}
