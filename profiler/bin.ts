#!/usr/bin/env node
import { runProgram } from '../models/base/command-line/program.ts';
import { withEndpointCommand } from './commands/endpoint-command.ts';
import { profileProgram } from './commands/profile-command.ts';

const program = profileProgram();
await runProgram(program, withEndpointCommand(process.argv, program));
