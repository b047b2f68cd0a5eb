import { Command } from 'commander';
import { InflessError } from '../../models/base/errors.ts';
import { formatBytes } from '../../models/base/units.ts';
import { openImage } from '../image-name.ts';
import { verifyBundle } from '../oci/verify-bundle.ts';
import { withInterrupt } from './interruptible.ts';

interface VerifyOptions {
  readonly insecure?: boolean;
}

export function verifyCommand(): Command {
  return new Command('verify')
    .description('hash everything of an image again; exit code 2 where something is not what it should be')
    .argument('<image>', 'a name in a registry, or oci:FOLDER[:TAG]')
    .option('--insecure', 'speak plain HTTP with the registry')
    .action((name: string, options: VerifyOptions) =>
      withInterrupt((signal) => verify(name, options, signal)),
    );
}

async function verify(name: string, options: VerifyOptions, signal: AbortSignal): Promise<void> {
  const bundle = await openImage(name, { insecure: options.insecure ?? false, signal });
  const { blobs, sizeBytes, problems } = await verifyBundle(bundle, name, { signal });
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length > 0) {
    throw new InflessError(
      'IMAGE_CORRUPT',
      `${problems.length} of ${blobs} blobs of ${name} are not what they should be`,
      {
        remedy: 'Build or fetch the image again.',
      },
    );
  }
  process.stdout.write(
    `${name} is whole: ${blobs} blobs, ${formatBytes(sizeBytes)}, ${bundle.root.descriptor.digest}\n`,
  );
}
