import { chmod, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureDirectory, removeUnfinished, writeFileSafely } from '../../../models/base/files.ts';
import { checkSecret, type SecretStore, secretExists, secretNotFound } from './secret-store.ts';

const ENDING = '.secret';
/**
 * A file's name has 255 bytes at most, with its ending and while it is being written: the rest of a longer
 * name is that of a file in a folder of the beginning.
 */
const LONG = { ending: '.long', beginning: 200 };
const REMEDY = 'Choose a --state-dir that can be written and has room.';
const OWNER_ONLY = { file: 0o600, directory: 0o700 };

/** Secrets as files in a state folder, which no one but their owner can read; one autoscaler at a time. */
export class SecretFiles implements SecretStore {
  readonly #directory: string;
  /** One change after the other: whether a secret is there is looked up first. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(stateDirectory: string) {
    this.#directory = join(stateDirectory, 'secrets');
  }

  /** The file that holds a secret, whether there is one or not. */
  fileOf(name: string): string {
    const { ending, beginning } = LONG;
    const folder = name.length > beginning ? [`${name.slice(0, beginning)}${ending}`] : [];
    const rest = name.length > beginning ? name.slice(beginning) : name;
    return join(this.#directory, ...folder, `${rest}${ENDING}`);
  }

  /** By the list, not by the file's path: whatever was sent as a name, it can lead to no other file. */
  async has(name: string): Promise<boolean> {
    return (await this.list()).includes(name);
  }

  async list(): Promise<readonly string[]> {
    const files = await readdir(this.#directory).catch(() => []);
    const long = files.filter((file) => file.endsWith(LONG.ending));
    const ofLong = await Promise.all(
      long.map(async (folder) => {
        const rests = await readdir(join(this.#directory, folder)).catch(() => []);
        return namesIn(rests).map((rest) => `${folder.slice(0, -LONG.ending.length)}${rest}`);
      }),
    );
    return [...namesIn(files), ...ofLong.flat()].sort();
  }

  create(name: string, value: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      checkSecret(name, value);
      if (await this.has(name)) throw secretExists(name);
      await ensureDirectory(this.#directory, REMEDY);
      await chmod(this.#directory, OWNER_ONLY.directory);
      await removeUnfinished(this.#directory);
      await this.#write(name, value);
    });
  }

  replace(name: string, value: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      if (!(await this.has(name))) throw secretNotFound(name);
      checkSecret(name, value);
      await this.#write(name, value);
    });
  }

  remove(name: string): Promise<void> {
    return this.#inTurn(async () => {
      if (!(await this.has(name))) throw secretNotFound(name);
      await rm(this.fileOf(name));
    });
  }

  #write(name: string, value: Uint8Array): Promise<void> {
    return writeFileSafely(this.fileOf(name), value, REMEDY, OWNER_ONLY.file);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}

function namesIn(files: readonly string[]): string[] {
  return files.filter((file) => file.endsWith(ENDING)).map((file) => file.slice(0, -ENDING.length));
}
