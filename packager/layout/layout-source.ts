import { InflessError } from '../../models/base/errors.ts';
import type { Bundle, Image } from '../oci/image.ts';
import type { Descriptor, ImageIndex, Platform } from '../oci/schema.ts';
import type { ImageSource } from '../oci/source.ts';
import { readBundle, readImage } from '../oci/store.ts';
import { tagOf } from './layout-files.ts';
import { formatLayoutName, type LayoutName } from './layout-name.ts';
import { LayoutStore } from './layout-store.ts';

/** An image of an OCI layout: the one of the tag, or the only one. */
export class LayoutSource implements ImageSource {
  readonly name: string;
  readonly #layout: LayoutName;
  readonly #store: LayoutStore;

  constructor(layout: LayoutName) {
    this.name = formatLayoutName(layout);
    this.#layout = layout;
    this.#store = new LayoutStore(layout.directory);
  }

  async fetch(platform: Platform): Promise<Image> {
    return readImage(this.#store, this.#choose(await this.#store.index()), platform);
  }

  /** The images of all platforms, and what the layout holds about them. */
  async open(): Promise<Bundle> {
    const index = await this.#store.index();
    return readBundle(this.#store, this.#choose(index), index.manifests.filter(isReferrer));
  }

  #choose({ manifests }: ImageIndex): Descriptor {
    const { directory, tag } = this.#layout;
    const images = manifests.filter((entry) => !isReferrer(entry));
    const fitting = tag === undefined ? images : images.filter((entry) => tagOf(entry) === tag);
    if (fitting.length === 1) return fitting[0]!;
    const tags = images.flatMap((entry) => tagOf(entry) ?? []);
    const what = fitting.length === 0 ? 'no image' : `${fitting.length} images`;
    throw new InflessError('IMAGE_NOT_FOUND', `${this.name} has ${what}`, {
      remedy:
        tags.length === 0
          ? 'Name another layout.'
          : `Name one by its tag: ${tags.map((name) => formatLayoutName({ directory, tag: name })).join(', ')}.`,
    });
  }
}

/** Untagged artifacts lie beside the images they are about. */
function isReferrer(entry: Descriptor): boolean {
  return entry.artifactType !== undefined && tagOf(entry) === undefined;
}
