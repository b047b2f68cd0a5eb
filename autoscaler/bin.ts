#!/usr/bin/env node
import { runProgram } from '../models/base/cli.ts';
import { createAutoscalerProgram } from './program.ts';

await runProgram(createAutoscalerProgram());
process.exit();
