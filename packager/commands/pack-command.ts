import pc from 'picocolors';
import { withInterrupt } from '../../models/base/command-line/interrupt.ts';
import { formatBytes, formatDuration } from '../../models/base/units.ts';
import { CLUSTER_PERIOD_MICROS, periodCaveats } from '../../profiles/conditions/period.ts';
import { type Delivery, deliver } from '../destination.ts';
import { chooseResources, dnsLabel } from '../emit/deployment.ts';
import { emitDeployment } from '../emit/emit.ts';
import { baseSource } from '../image-name.ts';
import { readDocument } from '../oci/document.ts';
import { imageConfigSchema } from '../oci/schema.ts';
import { type Packed, pack } from '../pack.ts';
import type { PackValues } from '../pack-options.ts';
import { ProgressLine } from '../progress-line.ts';
import { type PackSettings, packSettings } from '../settings.ts';

/**
 * Packs a model and brings the image to where it goes. Standard output gets what a script wants, nothing
 * else.
 */
export function packModel(values: PackValues): Promise<void> {
  return withInterrupt(async (signal) => {
    const startMs = performance.now();
    const settings = await packSettings(values);
    const progress = new ProgressLine(process.stderr);
    try {
      const packed = await packAs(settings, progress, signal);
      // what cannot be emitted is told before anything is pushed
      const emit = await emitter(packed, settings);
      const { reference, destination, insecure } = settings;
      const delivery = await deliver(packed, destination, reference, { insecure, signal, progress });
      progress.note(summaryOf(packed, delivery, performance.now() - startMs));
      for (const line of batchingLine(packed)) progress.note(line);
      for (const caveat of caveatsOf(packed, settings)) progress.note(`note: ${caveat}`);
      process.stdout.write(emit(delivery.name));
    } finally {
      progress.clear();
    }
  });
}

function packAs(settings: PackSettings, progress: ProgressLine, signal: AbortSignal): Promise<Packed> {
  const { insecure } = settings;
  return pack({
    model: settings.model,
    base: baseSource(settings.base, { insecure, signal, onProgress: progress.onPush }),
    platforms: settings.platforms,
    modelName: settings.modelName,
    version: settings.version,
    source: settings.source,
    profile: settings.profile,
    include: settings.include,
    like: settings.like,
    accelerator: settings.accelerator,
    acceleratorLibraries: settings.cudaLibraries,
    defaults: { maxBatch: settings.maxBatch, sloMs: settings.sloMs, batching: settings.batching },
    signal,
    onStep: (step) => progress.step(step),
  });
}

/** Where its instances run, CPU quotas have another period than here. */
function caveatsOf({ profile }: Packed, { model }: PackSettings): readonly string[] {
  return profile === undefined ? [] : periodCaveats(profile.table, CLUSTER_PERIOD_MICROS, model.path);
}

function summaryOf({ images, model, profile }: Packed, { push }: Delivery, durationMs: number): string {
  const { bold } = pc.createColors(process.stderr.isTTY === true && pc.isColorSupported);
  const sizes = images.map(({ layers }) =>
    formatBytes(layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0)),
  );
  const table = profile === undefined ? 'no profile table' : `profile ${profile.file}`;
  const sent = push === undefined ? '' : `, ${formatBytes(push.sentBytes)} sent`;
  return `${bold(model.name)}: ${sizes.join(' and ')} in ${formatDuration(durationMs)}${sent}; ${table}`;
}

/** Whether requests may share runs, and how that is known. */
function batchingLine({ model: { batching } }: Packed): readonly string[] {
  return batching === undefined ? [] : [`Batching: ${batching.state} (${batching.reason})`];
}

/** What goes to standard output for an image of a name: the name, or a deployment file. */
async function emitter(packed: Packed, settings: PackSettings): Promise<(image: string) => string> {
  const { emit: dialect, modelName } = settings;
  if (dialect === undefined) return (image) => `${image}\n`;
  const { model, profile, images, weightBytes } = packed;
  const gpuPercent = settings.accelerator === undefined ? 0 : 100; // such a file gives a pod a GPU or none
  const config = await readDocument(images[0]!.config, imageConfigSchema, modelName, 'config');
  const deployment = {
    name: dnsLabel(model.name),
    modelDigest: model.digest,
    node: (config.config?.Entrypoint ?? []).slice(0, -1), // the last is our program
    ...chooseResources(profile?.table, weightBytes, { ...settings, gpuPercent }),
    wishes: settings,
    insecure: settings.insecure,
    hasGpu: settings.accelerator !== undefined,
  };
  return (image) => emitDeployment({ ...deployment, image }, dialect);
}
