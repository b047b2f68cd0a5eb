#!/usr/bin/env node
import { runProgram } from '../../models/base/command-line/program.ts';
import { quickstartProgram } from './quickstart.ts';

await runProgram(quickstartProgram);
process.exit();
