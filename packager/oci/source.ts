import type { Image } from './image.ts';
import type { Platform } from './schema.ts';

/** Where an image comes from: a registry, a layout on disk, the running machine. */
export interface ImageSource {
  /** As the user named it; starts sentences about it. */
  readonly name: string;
  /**
   * The image for a platform. Manifest and config are read and verified; layers open lazily, and whoever
   * reads one verifies it (`verified`).
   *
   * @throws InflessError IMAGE_NOT_FOUND where the source has none for the platform
   */
  fetch(platform: Platform): Promise<Image>;
}
