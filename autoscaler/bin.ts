#!/usr/bin/env node
import { runProgram } from '../models/base/command-line/program.ts';
import { autoscalerProgram } from './program.ts';

await runProgram(autoscalerProgram);
process.exit();
