import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path/posix';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { type Extract, extract } from 'tar-stream';
import { z } from 'zod';
import { InflessError } from '../../../models/base/errors.ts';
import { streamToFile } from '../../../models/base/files.ts';
import { remembered } from '../../../models/base/memory.ts';
import type { Blob } from '../../oci/blob.ts';
import { MEDIA_TYPES } from '../../oci/media-types.ts';
import { uncompressed } from '../../oci/uncompressed.ts';
import { verified } from '../../oci/verified.ts';
import { type ElfFile, readElf } from '../runtime/elf.ts';
import { foldersOfSettings, type LibraryFiles, USUAL_FOLDERS } from '../runtime/needed-libraries.ts';

type Entry = Extract extends AsyncIterable<infer Item> ? Item : never;

/** Raise it when the same layer is read to something else than before. */
const GENERATION = 1;

/** What of a layer matters to the loader; paths without a leading slash. */
const layerSchema = z.object({
  libraries: z.record(
    z.string(),
    z.object({
      soname: z.string().optional(),
      needed: z.array(z.string()),
      searchPath: z.array(z.string()),
    }),
  ),
  links: z.record(z.string(), z.string()),
  /** Folders that its files of the loader's settings name. */
  folders: z.array(z.string()),
  /** What of the layers below it hides: paths, and folders as a whole. */
  removed: z.array(z.string()),
  emptied: z.array(z.string()),
});
type LayerLibraries = z.output<typeof layerSchema>;

const LIBRARY = /\.so(?:\.\d+)*$|\.node$/;
const SETTINGS = /^etc\/ld\.so\.conf(?:\.d\/[^/]+\.conf)?$/;
const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
const MOST_LINKS = 40;

/**
 * The shared libraries of an image, as its loader would find them. Layers are read from their archives, each
 * once on this machine: what was found is remembered by its digest. Nothing is run.
 */
export class ImageLibraries implements LibraryFiles {
  readonly #libraries = new Map<string, ElfFile>();
  readonly #links = new Map<string, string>();
  readonly #folders: string[] = [];

  /**
   * @param origin the image as the user named it, as it starts the sentence
   * @throws InflessError INVALID_INPUT for a compression that we cannot read, IMAGE_CORRUPT
   */
  async addLayer(layer: Blob, origin: string, signal?: AbortSignal): Promise<void> {
    const key = [GENERATION, layer.descriptor.digest];
    this.#overlay(await remembered('libraries', key, layerSchema, () => librariesOf(layer, origin, signal)));
  }

  /** A library of this machine that will lie at a path of the image. */
  async addFile(path: string, file: string): Promise<void> {
    this.#libraries.set(partsOf(path).join('/'), await readElf(file));
  }

  /** Names of libraries that are there, wherever. */
  get names(): readonly string[] {
    return [...new Set([...this.#libraries.keys(), ...this.#links.keys()].map((path) => basename(path)))];
  }

  /** Where its loader looks beside what the environment says. */
  get loaderFolders(): readonly string[] {
    return [...new Set([...this.#folders, ...USUAL_FOLDERS])];
  }

  async has(path: string): Promise<boolean> {
    return this.#find(path) !== undefined;
  }

  async read(path: string): Promise<ElfFile> {
    const found = this.#find(path);
    if (found === undefined) throw new Error(`no library at ${path} of the image`);
    return found;
  }

  #find(path: string): ElfFile | undefined {
    const real = this.#resolve(path);
    return real === undefined ? undefined : this.#libraries.get(real);
  }

  /** Follows links in every part of a path; undefined where they go round in a circle. */
  #resolve(path: string): string | undefined {
    let rest = partsOf(path);
    let at = '';
    for (let links = 0; rest.length > 0; ) {
      const [first, ...others] = rest as [string, ...string[]];
      const next = first === '..' ? dirname(at) : join(at, first);
      const target = this.#links.get(next);
      if (target === undefined) {
        at = next === '.' ? '' : next;
        rest = others;
        continue;
      }
      links += 1;
      if (links > MOST_LINKS) return undefined;
      if (target.startsWith('/')) at = '';
      rest = [...partsOf(target), ...others];
    }
    return at;
  }

  #overlay({ libraries, links, folders, removed, emptied }: LayerLibraries): void {
    const isHidden = (path: string): boolean =>
      emptied.some((folder) => path.startsWith(`${folder}/`)) ||
      removed.some((gone) => path === gone || path.startsWith(`${gone}/`));
    for (const known of [this.#libraries, this.#links]) {
      for (const path of known.keys()) if (isHidden(path)) known.delete(path);
    }
    for (const [path, target] of Object.entries(links)) {
      this.#libraries.delete(path);
      this.#links.set(path, target);
    }
    for (const [path, library] of Object.entries(libraries)) {
      this.#links.delete(path);
      this.#libraries.set(path, { ...library, soname: library.soname });
    }
    this.#folders.push(...folders);
  }
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

async function librariesOf(layer: Blob, origin: string, signal?: AbortSignal): Promise<LayerLibraries> {
  if (layer.descriptor.mediaType === MEDIA_TYPES.layerZstd) {
    throw new InflessError(
      'INVALID_INPUT',
      `The libraries of ${origin} cannot be listed: its layers are compressed with zstd`,
      { remedy: 'Choose a --base whose layers are compressed with gzip, as most are.' },
    );
  }
  const found: LayerLibraries = { libraries: {}, links: {}, folders: [], removed: [], emptied: [] };
  const folder = await mkdtemp(join(tmpdir(), 'infless-libraries-'));
  const tar = extract();
  const feeding = pipeline(verified(layer, origin), uncompressed, tar, { ...(signal && { signal }) });
  feeding.catch(() => {}); // whoever reads the tar learns of it
  try {
    for await (const entry of tar) await note(entry, found, join(folder, 'library'));
    await feeding;
    return found;
  } catch (error) {
    throw await feeding.then(
      () => error,
      (cause: unknown) => (cause instanceof InflessError ? cause : error),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param spool a file for what an ELF reader has to jump about in */
async function note(entry: Entry, found: LayerLibraries, spool: string): Promise<void> {
  const { name, type, linkname } = entry.header;
  const path = partsOf(name).join('/');
  const last = basename(path);
  if (type === 'symlink') found.links[path] = linkname ?? '';
  else if (type === 'link') found.links[path] = `/${partsOf(linkname ?? '').join('/')}`;
  else if (last === OPAQUE) found.emptied.push(dirname(path));
  else if (last.startsWith(WHITEOUT)) found.removed.push(join(dirname(path), last.slice(WHITEOUT.length)));
  else if (type === 'file' && SETTINGS.test(path)) {
    found.folders.push(...foldersOfSettings(await text(entry)));
    return;
  } else if (type === 'file' && LIBRARY.test(last)) {
    await streamToFile([Readable.from(entry, { objectMode: false })], spool);
    const library = await readElf(spool).catch(ignoreOthers);
    if (library !== undefined) found.libraries[path] = copyOf(library);
    return;
  }
  entry.resume();
}

/**
 * Linker scripts and libraries of other machines are called `.so` as well: the loader passes them over, too.
 */
function ignoreOthers(error: unknown): undefined {
  if (!(error instanceof InflessError)) throw error;
  return undefined;
}

function copyOf({ soname, needed, searchPath }: ElfFile): LayerLibraries['libraries'][string] {
  return { ...(soname === undefined ? {} : { soname }), needed: [...needed], searchPath: [...searchPath] };
}
