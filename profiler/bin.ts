#!/usr/bin/env node
import { runProgram } from '../models/base/cli.ts';
import { profileProgram } from './program.ts';

await runProgram(profileProgram());
