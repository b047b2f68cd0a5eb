#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';

// Weights pass through in pieces that are garbage the moment they are written. A young generation that stays small is
// swept before they pile up, which keeps a fifth off the memory that packing needs. It has to be said before the
// program is loaded: loading alone lets it grow.
setFlagsFromString('--semi-space-growth-factor=1');

const { runProgram } = await import('../models/base/cli.ts');
const { packProgram } = await import('./cli.ts');

await runProgram(packProgram());
