import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { InflessError, systemCode } from '../../models/base/errors.ts';
import { openFile } from '../../models/base/files.ts';
import type { Blob } from '../oci/blob.ts';
import { parseDocument } from '../oci/document.ts';
import { type Descriptor, type ImageIndex, imageIndexSchema } from '../oci/schema.ts';
import type { ContentStore } from '../oci/store.ts';
import { blobPath, INDEX_FILE, MARKER_FILE, markerSchema } from './layout-files.ts';

/** A folder in the OCI image layout, as it lies on disk. */
export class LayoutStore implements ContentStore {
  readonly directory: string;
  readonly name: string;

  constructor(directory: string) {
    this.directory = directory;
    this.name = `oci:${directory}`;
  }

  blob(descriptor: Descriptor): Blob {
    return {
      descriptor,
      open: (fromByte = 0) => Readable.from(this.#read(descriptor, fromByte), { objectMode: false }),
    };
  }

  /** @throws InflessError IMAGE_NOT_FOUND where there is no layout */
  async index(): Promise<ImageIndex> {
    const marker = await this.#file(MARKER_FILE);
    parseDocument(marker, markerSchema, `${MARKER_FILE} of ${this.name}`);
    return parseDocument(await this.#file(INDEX_FILE), imageIndexSchema, `${INDEX_FILE} of ${this.name}`);
  }

  async #file(name: string): Promise<Buffer> {
    try {
      return await readFile(join(this.directory, name));
    } catch (error) {
      if (systemCode(error) !== 'ENOENT' && systemCode(error) !== 'ENOTDIR') throw error;
      throw new InflessError('IMAGE_NOT_FOUND', `${this.directory} is no OCI layout: it has no ${name}`, {
        remedy: 'Name a folder that infless-pack -o oci:FOLDER, skopeo or buildah have written.',
        cause: error,
      });
    }
  }

  async *#read(descriptor: Descriptor, fromByte: number): AsyncGenerator<Buffer> {
    const file = join(this.directory, blobPath(descriptor.digest));
    try {
      yield* openFile(file, fromByte, descriptor.size);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
      throw new InflessError('IMAGE_CORRUPT', `${this.name} lacks its blob ${descriptor.digest}`, {
        remedy: 'Fetch or build the image again.',
        cause: error,
      });
    }
  }
}
