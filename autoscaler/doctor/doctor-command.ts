import pc from 'picocolors';
import { defineProgram, toggle } from '../../models/base/command-line/option-table.ts';
import { examineCluster } from './examine-cluster.ts';
import { examineMachine, type Finding } from './examine-machine.ts';

/** `infless doctor`: what this machine gives, what that means, and how to get more. */
export const doctorCommand = defineProgram({
  name: 'doctor',
  summary:
    'Look at this machine: what it gives to tables and instances, what will not work, and how to get more.',
  options: {
    json: toggle({ flag: '--json', help: 'write JSON' }),
  },
  notes: `
Exit code 1 if something will not work. It measures for about a second, and changes nothing.`,
  run: async ({ json }) => {
    const findings = [...(await examineMachine()), await examineCluster()];
    const isColored = process.stdout.isTTY === true && pc.isColorSupported;
    process.stdout.write(json ? `${JSON.stringify({ findings })}\n` : renderFindings(findings, isColored));
    if (findings.some(({ verdict }) => verdict === 'bad')) process.exitCode = 1;
  },
});

const MARKS = { good: '✓', note: '!', bad: '✗' } as const;
const WIDTH = 14;

/** All findings as a person reads them. */
export function renderFindings(findings: readonly Finding[], isColored: boolean): string {
  const colors = pc.createColors(isColored);
  const paint = { good: colors.green, note: colors.yellow, bad: colors.red };
  const indent = ' '.repeat(WIDTH + 2);
  const lines = findings.flatMap(({ about, verdict, text, meaning, remedy }) => [
    `${paint[verdict](MARKS[verdict])} ${about.padEnd(WIDTH)}${text}`,
    ...(meaning === undefined ? [] : [`${indent}${meaning}`]),
    ...(remedy === undefined ? [] : [`${indent}→ ${remedy}`]),
  ]);
  return `${lines.join('\n')}\n\n${verdictText(findings)}\n`;
}

function verdictText(findings: readonly Finding[]): string {
  const bad = findings.filter(({ verdict }) => verdict === 'bad').length;
  const notes = findings.filter(({ verdict }) => verdict === 'note').length;
  if (bad > 0) return `${bad === 1 ? 'One thing' : `${bad} things`} will not work here.`;
  if (notes > 0) return `All works; ${notes === 1 ? 'one thing' : `${notes} things`} could be better.`;
  return 'All is as it should be.';
}
