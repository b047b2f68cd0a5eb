import { type WrittenOptions, writtenValues } from '../../models/base/command-line/read-options.ts';
import type { ModelManifest } from '../../models/manifest/manifest.ts';
import { deliver } from '../../packager/destination.ts';
import { baseSource } from '../../packager/image-name.ts';
import { pack as packModel } from '../../packager/pack.ts';
import { PACK_OPTIONS } from '../../packager/pack-options.ts';
import { packSettings } from '../../packager/settings.ts';

/** What goes in and where it goes: the options of `infless pack`, as `{ tag: 'host/model:1' }`. */
export type PackRequest = Omit<WrittenOptions<typeof PACK_OPTIONS>, 'emit' | 'model'> & {
  readonly signal?: AbortSignal;
};

/** An image that was written or pushed. */
export interface PackedImage {
  /** To deploy by: with the digest where readers keep it. */
  readonly name: string;
  readonly model: ModelManifest;
  /** The file of the table that went in. */
  readonly profile: string | undefined;
}

/**
 * Packs a model into a serving image and brings it to where it goes, as `infless pack`.
 *
 * @param model a model file, a folder with one, or a name of the zoo
 * @param request at least `tag` (to push it) or `output` (`oci:FOLDER`, `docker-archive:FILE`)
 * @throws InflessError MODEL_*, IMAGE_*, REGISTRY_FAILED, INVALID_INPUT; the signal's reason
 */
export async function pack(model: string, request: PackRequest): Promise<PackedImage> {
  const { signal = new AbortController().signal, ...given } = request;
  const settings = await packSettings(writtenValues(PACK_OPTIONS, { ...given, model }, 'pack'));
  const { insecure, reference, destination } = settings;
  const packed = await packModel({
    model: settings.model,
    base: baseSource(settings.base, { insecure, signal }),
    platforms: settings.platforms,
    modelName: settings.modelName,
    version: settings.version,
    source: settings.source,
    profile: settings.profile,
    include: settings.include,
    accelerator: settings.accelerator,
    acceleratorLibraries: settings.cudaLibraries,
    defaults: { maxBatch: settings.maxBatch, sloMs: settings.sloMs },
    signal,
  });
  const progress = { onWrite: () => {}, onPush: () => {} };
  const { name } = await deliver(packed, destination, reference, { insecure, signal, progress });
  return { name, model: packed.model, profile: packed.profile?.file };
}
