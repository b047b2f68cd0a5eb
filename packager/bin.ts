#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';

// Packing is streams and hashes, done by native code: a small heap is worth more than the fastest JavaScript.
// The program is loaded only then, because much of what it takes is the code itself.
setFlagsFromString('--optimize-for-size');
const [{ runProgram }, { packProgram }] = await Promise.all([
  import('../models/base/command-line/program.ts'),
  import('./cli.ts'),
]);
await runProgram(packProgram);
