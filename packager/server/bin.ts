#!/usr/bin/env node
import { runProgram } from '../../models/base/command-line/program.ts';
import { serverProgram } from './program.ts';

await runProgram(serverProgram);
// Nothing is in flight any more; a connection somebody keeps open must not keep the process.
process.exit();
