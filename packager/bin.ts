#!/usr/bin/env node
import { runProgram } from '../models/base/cli.ts';
import { packProgram } from './cli.ts';

await runProgram(packProgram());
