#!/usr/bin/env node
import { runProgram } from '../../models/base/command-line/program.ts';
import { createQuickstartProgram } from './quickstart.ts';

await runProgram(createQuickstartProgram());
process.exit();
