#!/usr/bin/env node
import { runProgram } from '../models/base/cli.ts';
import { createAutoscalerProgram } from './cli.ts';

await runProgram(createAutoscalerProgram());
process.exit();
