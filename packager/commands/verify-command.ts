import { withInterrupt } from '../../models/base/command-line/interrupt.ts';
import { argument, defineProgram, toggle, type Values } from '../../models/base/command-line/option-table.ts';
import { text } from '../../models/base/command-line/parsers.ts';
import { InflessError } from '../../models/base/errors.ts';
import { formatBytes } from '../../models/base/units.ts';
import { openImage } from '../image-name.ts';
import { verifyBundle } from '../oci/verify-bundle.ts';

const OPTIONS = {
  image: argument({
    argument: '<image>',
    parse: text,
    help: 'a name in a registry, or oci:FOLDER[:TAG]',
  }),
  insecure: toggle({ flag: '--insecure', help: 'speak plain HTTP with the registry' }),
};

export const verifyCommand = defineProgram({
  name: 'verify',
  summary: 'Hash everything in an image again. The exit code is 2 if something is damaged.',
  options: OPTIONS,
  run: (values) => withInterrupt((signal) => verify(values, signal)),
});

async function verify({ image: name, insecure }: Values<typeof OPTIONS>, signal: AbortSignal): Promise<void> {
  const bundle = await openImage(name, { insecure, signal });
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
