#!/usr/bin/env node
import { runProgram } from '../../models/base/command-line/program.ts';
import { proofProgram } from './program.ts';

await runProgram(proofProgram);
