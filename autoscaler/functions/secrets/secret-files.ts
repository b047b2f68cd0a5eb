import { chmod, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureDirectory, removeUnfinished, writeFileSafely } from '../../../models/base/files.ts';
import { checkSecret, type SecretStore, secretExists, secretNotFound } from './secret-store.ts';

const ENDING = '.secret';
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
    return join(this.#directory, `${name}${ENDING}`);
  }

  /** By the list, not by the file's path: whatever was sent as a name, it can lead to no other file. */
  async has(name: string): Promise<boolean> {
    return (await this.list()).includes(name);
  }

  async list(): Promise<readonly string[]> {
    const files = await readdir(this.#directory).catch(() => []);
    return files
      .filter((file) => file.endsWith(ENDING))
      .map((file) => file.slice(0, -ENDING.length))
      .sort();
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
