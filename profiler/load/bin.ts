#!/usr/bin/env node
import { runProgram } from '../../models/base/cli.ts';
import { loadProgram } from './cli.ts';

await runProgram(loadProgram());
