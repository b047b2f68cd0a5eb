#!/usr/bin/env node
import { runProgram } from '../models/base/command-line/program.ts';
import { profileProgram } from './program.ts';

await runProgram(profileProgram);
