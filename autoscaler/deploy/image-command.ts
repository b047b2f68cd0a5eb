import { Command } from 'commander';
import { withInterrupt } from '../../models/base/command-line/interrupt.ts';
import { formatBytes, formatDuration } from '../../models/base/units.ts';
import { formats } from '../../models/engines/index.ts';
import { SERVING_PORT } from '../../packager/contents/image-config.ts';
import type { Program } from '../../packager/contents/runtime/program.ts';
import { type DestinationFlags, deliver, destinationOf } from '../../packager/destination.ts';
import { baseSource, DEFAULT_BASE } from '../../packager/image-name.ts';
import { packProgram } from '../../packager/pack-program.ts';
import { parsePlatforms } from '../../packager/platform-list.ts';
import { ProgressLine } from '../../packager/progress-line.ts';
import { parseReference } from '../../packager/registry/reference.ts';

interface Flags extends DestinationFlags {
  readonly tag?: string;
  readonly base: string;
  readonly platform?: string;
  readonly insecure?: boolean;
}

/** What runs in a cluster: there instances are pods, so that no serving process is started here. */
const AUTOSCALER_PROGRAM: Program = { entry: 'autoscaler/bin', others: [], formats: formats() };

/** `infless-autoscaler image`: this very autoscaler as an image, for a cluster to run. */
export function imageCommand(): Command {
  return new Command('image')
    .description('pack this autoscaler as an image, for a cluster to run: without Docker, without root')
    .option('-t, --tag <image>', 'name of the image; pushes it to its registry unless told where it goes')
    .option('-o, --output <target>', 'write it there: oci:FOLDER[:TAG] or docker-archive:FILE')
    .option(
      '--base <image>',
      "what it is built on: host (this machine's Node.js), oci:FOLDER[:TAG], or a name in a registry",
      DEFAULT_BASE,
    )
    .option(
      '--platform <list>',
      'linux/amd64, linux/arm64, or both with a comma between (default: of this machine)',
    )
    .option('--insecure', 'speak plain HTTP with the registry')
    .action(packAutoscaler);
}

function packAutoscaler(flags: Flags): Promise<void> {
  return withInterrupt(async (signal) => {
    const startMs = performance.now();
    const { insecure = false } = flags;
    const reference = flags.tag === undefined ? undefined : parseReference(flags.tag);
    const destination = destinationOf(flags, reference);
    const progress = new ProgressLine(process.stderr);
    try {
      const packed = await packProgram({
        program: AUTOSCALER_PROGRAM,
        title: 'infless-autoscaler',
        description: 'Serves models within their latency targets, with as few resources as possible',
        base: baseSource(flags.base, { insecure, signal, onProgress: progress.onPush }),
        platforms: parsePlatforms(flags.platform?.split(',')),
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
