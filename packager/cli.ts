import { defineProgram, type LazyProgram } from '../models/base/command-line/option-table.ts';
import { OPTIONS_FILE, PACK_OPTIONS } from './pack-options.ts';

const COMMANDS: readonly LazyProgram[] = [
  {
    name: 'inspect',
    summary: 'Show the model, its inputs and outputs, profile, layers and sizes. Weights are not fetched.',
    load: async () => (await import('./commands/inspect-command.ts')).inspectCommand,
  },
  {
    name: 'verify',
    summary: 'Hash everything in an image again. The exit code is 2 if something is damaged.',
    load: async () => (await import('./commands/verify-command.ts')).verifyCommand,
  },
];

/** The command line of `infless-pack`. */
export const packProgram = defineProgram({
  name: 'infless-pack',
  summary: 'Pack a model into a serving image: no Docker, no root, the same bytes each time.',
  options: PACK_OPTIONS,
  commands: COMMANDS,
  file: {
    name: OPTIONS_FILE,
    read: async ([model]) =>
      model === undefined ? undefined : (await import('./options-file.ts')).readOptionsFile(model),
  },
  notes: `
Examples:
  infless-pack resnet.onnx -t registry.example/team/resnet:1    pushes it there
  infless-pack resnet.onnx -o oci:images --base host            writes an OCI layout
  infless-pack resnet.onnx -t resnet:1 -o docker-archive:resnet.tar && docker load -i resnet.tar
  infless-pack resnet.onnx -t registry.example/resnet:1 --emit kubernetes | kubectl apply -f -

An infless.yaml beside the model can hold these options: see docs/pack.md.`,
  run: async (values) => (await import('./commands/pack-command.ts')).packModel(values),
});
