import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileEntry } from '../../../../packager/contents/file-entry.ts';
import { buildLayer } from '../../../../packager/layers/build-layer.ts';
import type { LayerBlob } from '../../../../packager/layers/compressed-layer.ts';
import type { TarEntry } from '../../../../packager/tar/tar-entry.ts';
import { type ElfText, elfFile } from '../../../support/elf-file.ts';

/** What lies at a path: a library that says this of itself, a text, or a link. */
export type Content = ElfText | string | { readonly target: string };

/** Writes such files below a folder, for layers and for what is named on the command line. */
export async function writeFiles(root: string, files: Readonly<Record<string, Content>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const file = join(root, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, typeof content === 'string' ? content : elfFile(content as ElfText));
  }
}

/** A layer of such files. */
export async function layerOf(
  root: string,
  files: Readonly<Record<string, Content>>,
  compress = false,
): Promise<LayerBlob> {
  const isLink = (content: Content): content is { readonly target: string } =>
    typeof content === 'object' && 'target' in content;
  await writeFiles(root, Object.fromEntries(Object.entries(files).filter(([, content]) => !isLink(content))));
  const entries = Object.entries(files).map(
    ([path, content]): Promise<TarEntry> =>
      isLink(content)
        ? Promise.resolve({ type: 'symlink', path, target: content.target })
        : fileEntry(path, join(root, path)),
  );
  return buildLayer(await Promise.all(entries), { compress, title: 'libraries' });
}
