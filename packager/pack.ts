import { sizeOfModel } from '../models/engines/content.ts';
import { engineOf } from '../models/engines/index.ts';
import type { ModelManifest } from '../models/manifest/manifest.ts';
import type { StoredTable } from '../profiles/store.ts';
import { type ImageOptions, packImage } from './contents/pack-image.ts';
import { type ModelOptions, packModelFiles } from './contents/pack-model-files.ts';
import { servingProgram } from './contents/runtime/program.ts';
import { traceRuntime } from './contents/runtime/trace.ts';
import { type PackedImages, type PackingOptions, packForEach } from './packed-images.ts';

export interface PackOptions extends ModelOptions, ImageOptions, PackingOptions {}

/** An image that is ready to be written, with what went into it. */
export interface Packed extends PackedImages {
  readonly model: ModelManifest;
  readonly profile: StoredTable | undefined;
  /** Of all files of the model. */
  readonly weightBytes: number;
}

/**
 * Packs a model into a serving image. Nothing is written but caches, and weights are read only when the image
 * is; the same model, runtime, base and options give the same digests on every machine.
 *
 * @throws InflessError for a model, table or base that cannot be used; the signal's reason when aborted
 */
export async function pack(options: PackOptions): Promise<Packed> {
  options.onStep?.(`model ${options.model.path}`);
  const ended = new AbortController();
  const traced = traceAhead(options, ended.signal);
  try {
    const model = await packModelFiles(options);
    const packed = await packForEach(options, async (base, platform) => {
      await traced;
      return packImage(model, base, platform, options);
    });
    const { manifest, profile, content } = model;
    return { ...packed, model: manifest, profile, weightBytes: sizeOfModel(content) };
  } finally {
    ended.abort();
  }
}

/** Following the runtime's imports is another process's work of seconds, done beside ours and remembered. */
function traceAhead({ model, signal, accelerator }: PackOptions, ended: AbortSignal): Promise<unknown> {
  const program = servingProgram(engineOf(model.path).format, accelerator !== undefined);
  const traced = traceRuntime(program, signal === undefined ? ended : AbortSignal.any([signal, ended]));
  traced.catch(() => {}); // who waits for it learns of a failure
  return traced;
}
