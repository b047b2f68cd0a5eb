#!/usr/bin/env node
import { runProgram } from '../../models/base/command-line/program.ts';
import { inflessProgram } from './program.ts';

await runProgram(inflessProgram);
process.exit(); // as infless-autoscaler: a connection somebody keeps open must not keep the process
