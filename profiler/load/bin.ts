#!/usr/bin/env node
import { runProgram } from '../../models/base/command-line/program.ts';
import { loadProgram } from './program.ts';

await runProgram(loadProgram);
