#!/usr/bin/env node
import { createProgram, runProgram } from '../../models/base/command-line/program.ts';
import { SERVER_ENVIRONMENT } from './instance-protocol.ts';
import { serve } from './serve.ts';
import { serverSettings } from './settings.ts';

const program = createProgram('infless-server', 'Serve one model over HTTP (TF Serving REST).')
  .addHelpText(
    'after',
    `\nConfigured by the environment:\n  ${Object.values(SERVER_ENVIRONMENT).join('\n  ')}`,
  )
  .action(() => serve(serverSettings()));

await runProgram(program);
// Nothing is in flight any more; a connection somebody keeps open shall not keep the process.
process.exit();
