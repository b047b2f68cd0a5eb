import { Command } from 'commander';
import { openImage } from '../image-name.ts';
import { imageFacts } from '../inspect/image-facts.ts';
import { reportOf } from '../inspect/report.ts';
import { withInterrupt } from './interruptible.ts';

interface InspectOptions {
  readonly insecure?: boolean;
  readonly json?: boolean;
}

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('show the model, its inputs and outputs, profile, layers and sizes; weights are not fetched')
    .argument('<image>', 'a name in a registry, or oci:FOLDER[:TAG]')
    .option('--insecure', 'speak plain HTTP with the registry')
    .option('--json', 'everything that is known, for programs')
    .action((name: string, options: InspectOptions) =>
      withInterrupt((signal) => inspect(name, options, signal)),
    );
}

async function inspect(name: string, options: InspectOptions, signal: AbortSignal): Promise<void> {
  const { images } = await openImage(name, { insecure: options.insecure ?? false, signal });
  const facts = [];
  for (const image of images) facts.push(await imageFacts(image, name));
  process.stdout.write(
    options.json === true ? `${JSON.stringify(facts, null, 2)}\n` : facts.map(reportOf).join('\n'),
  );
}
