#!/usr/bin/env node
import { runProgram } from '../../models/base/cli.ts';
import { createQuickstartProgram } from './quickstart.ts';

await runProgram(createQuickstartProgram());
process.exit();
