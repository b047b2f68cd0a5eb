import { type Command, Option } from 'commander';
import { createProgram } from '../models/base/command-line/program.ts';
import { inspectCommand } from './commands/inspect-command.ts';
import { packModel } from './commands/pack-command.ts';
import { verifyCommand } from './commands/verify-command.ts';
import { DEFAULT_CUDA_BASE } from './contents/accelerator/missing-libraries.ts';
import { ACCELERATORS } from './contents/pack-image.ts';
import { DIALECT_NAMES } from './emit/emit.ts';
import { DEFAULT_BASE } from './image-name.ts';

const EXAMPLES = `
Examples:
  infless-pack resnet.onnx -t registry.example/team/resnet:1    pushes it there
  infless-pack resnet.onnx -o oci:images --base host            writes an OCI layout
  infless-pack resnet.onnx -t resnet:1 -o docker-archive:resnet.tar && docker load -i resnet.tar
  infless-pack resnet.onnx -t registry.example/resnet:1 --emit kubernetes | kubectl apply -f -

An infless.yaml beside the model may fix these options. docs/packing.md tells more.`;

/** The command line of `infless-pack`. */
export function packProgram(): Command {
  return createProgram(
    'infless-pack',
    'Packs a model into a serving image: without Docker, without root, byte for byte the same each time.',
  )
    .enablePositionalOptions() // the options of a subcommand are its own
    .argument(
      '<model>',
      'a model file, a folder with one, or the name of a model that we can build: mobilenet, …',
    )
    .option('-t, --tag <image>', 'name of the image; pushes it to its registry unless told where it goes')
    .option('-o, --output <target>', 'write it there: oci:FOLDER[:TAG] or docker-archive:FILE')
    .option('--dockerfile <folder>', 'write a Dockerfile with its layers there, for a builder of your own')
    .option(
      '--base <image>',
      `what it is built on: host (this machine's Node.js), oci:FOLDER[:TAG], or a name in a registry (default: ${DEFAULT_BASE})`,
    )
    .option(
      '--platform <list>',
      'linux/amd64, linux/arm64, or both with a comma between (default: of this machine)',
    )
    .option('--profile <file>', 'the profile table to take along (default: one found for the model)')
    .option('--no-profile', 'take no profile table along')
    .addOption(
      new Option(
        '--accelerator <name>',
        `what runs the model beside the CPU; brings its provider along (default base then: ${DEFAULT_CUDA_BASE})`,
      ).choices(ACCELERATORS),
    )
    .option(
      '--cuda-libraries <folder>',
      'take from there what of CUDA the base is without: a folder of libraries, or where pip has installed them; may be repeated',
      collect,
    )
    .option('--include <file>', 'take another file of the model’s folder along; may be repeated', collect)
    .option('--model-name <name>', 'name of the model in requests (default: that of the file)')
    .option('--model-version <version>', 'version of the model, for people (default: from its digest)')
    .option('--source <url>', 'where the model comes from, for people')
    .option('--slo <duration>', 'latency at the 99th percentile to serve for, like 200ms')
    .option('--max-batch <rows>', 'largest batch (default: 8, in deployment files by the profile table)')
    .option('--cpu <cores>', 'cores in the deployment file, like 0.5 (default: by the profile table, else 1)')
    .addOption(
      new Option('--emit <platform>', 'print a deployment file for it to standard output').choices(
        DIALECT_NAMES,
      ),
    )
    .option('--insecure', 'speak plain HTTP with the registry')
    .action(packModel)
    .addCommand(inspectCommand())
    .addCommand(verifyCommand())
    .addHelpText('after', EXAMPLES);
}

function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}
