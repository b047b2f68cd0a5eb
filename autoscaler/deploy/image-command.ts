import { withInterrupt } from '../../models/base/command-line/interrupt.ts';
import { defineProgram, type Values } from '../../models/base/command-line/option-table.ts';
import { formatBytes, formatDuration } from '../../models/base/units.ts';
import { formats } from '../../models/engines/index.ts';
import { SERVING_PORT } from '../../packager/contents/image-config.ts';
import type { Program } from '../../packager/contents/runtime/program.ts';
import { deliver, destinationOf } from '../../packager/destination.ts';
import { baseSource } from '../../packager/image-name.ts';
import { IMAGE_OPTIONS } from '../../packager/pack-options.ts';
import { packProgram } from '../../packager/pack-program.ts';
import { ProgressLine } from '../../packager/progress-line.ts';
import { parseReference } from '../../packager/registry/reference.ts';
import { parsePlatforms } from '../../packager/settings.ts';

/** What runs in a cluster: there instances are pods, so that no serving process is started here. */
const AUTOSCALER_PROGRAM: Program = { entry: 'autoscaler/bin', others: [], formats: formats() };

/** `infless-autoscaler image`: this very autoscaler as an image, for a cluster to run. */
export const imageCommand = defineProgram({
  name: 'image',
  summary: 'Pack this autoscaler into an image for a cluster: no Docker, no root.',
  options: IMAGE_OPTIONS,
  run: packAutoscaler,
});

function packAutoscaler(flags: Values<typeof IMAGE_OPTIONS>): Promise<void> {
  return withInterrupt(async (signal) => {
    const startMs = performance.now();
    const { insecure } = flags;
    const reference = flags.tag === undefined ? undefined : parseReference(flags.tag);
    const destination = destinationOf(flags, reference);
    const progress = new ProgressLine(process.stderr);
    try {
      const packed = await packProgram({
        program: AUTOSCALER_PROGRAM,
        title: 'infless-autoscaler',
        description: 'Serves models within their latency targets, with as few resources as possible',
        base: baseSource(flags.base, { insecure, signal, onProgress: progress.onPush }),
        platforms: parsePlatforms(flags.platform),
        environment: {
          INFLESS_CACHE_DIR: '/tmp/infless/cache', // the one place that is writable
          INFLESS_STATE_DIR: '/tmp/infless/state',
          NODE_ENV: 'production',
        },
        signal,
        onStep: (step) => progress.step(step),
      });
      const delivery = await deliver(packed, destination, reference, { insecure, signal, progress });
      const sizes = packed.images.map(({ layers }) =>
        formatBytes(layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0)),
      );
      progress.note(
        `infless-autoscaler, listening on ${SERVING_PORT}: ${sizes.join(' and ')} in ${formatDuration(performance.now() - startMs)}`,
      );
      process.stdout.write(`${delivery.name}\n`);
    } finally {
      progress.clear();
    }
  });
}
