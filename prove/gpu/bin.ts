#!/usr/bin/env node
import { runProgram } from '../../models/base/cli.ts';
import { proofProgram } from './program.ts';

await runProgram(proofProgram());
