#!/usr/bin/env node
import { runProgram } from '../models/base/command-line/program.ts';
import { createAutoscalerProgram } from './program.ts';

await runProgram(createAutoscalerProgram());
process.exit();
