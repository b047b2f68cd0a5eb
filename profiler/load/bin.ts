#!/usr/bin/env node
import { runProgram } from '../../models/base/cli.ts';
import { loadProgram } from './program.ts';

await runProgram(loadProgram());
