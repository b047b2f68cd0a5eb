import { withInterrupt } from '../../models/base/command-line/interrupt.ts';
import { argument, defineProgram, toggle, type Values } from '../../models/base/command-line/option-table.ts';
import { text } from '../../models/base/command-line/parsers.ts';
import { openImage } from '../image-name.ts';
import { imageFacts } from '../inspect/image-facts.ts';
import { reportOf } from '../inspect/report.ts';

const OPTIONS = {
  image: argument({
    argument: '<image>',
    parse: text,
    help: 'a name in a registry, or oci:FOLDER[:TAG]',
  }),
  insecure: toggle({ flag: '--insecure', help: 'speak plain HTTP with the registry' }),
  json: toggle({ flag: '--json', help: 'print everything as JSON' }),
};

export const inspectCommand = defineProgram({
  name: 'inspect',
  summary: 'Show the model, its inputs and outputs, profile, layers and sizes. Weights are not fetched.',
  options: OPTIONS,
  run: (values) => withInterrupt((signal) => inspect(values, signal)),
});

async function inspect(
  { image: name, insecure, json }: Values<typeof OPTIONS>,
  signal: AbortSignal,
): Promise<void> {
  const { images } = await openImage(name, { insecure, signal });
  const facts = [];
  for (const image of images) facts.push(await imageFacts(image, name));
  process.stdout.write(json ? `${JSON.stringify(facts, null, 2)}\n` : facts.map(reportOf).join('\n'));
}
