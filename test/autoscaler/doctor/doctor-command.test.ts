import { describe, expect, it } from 'vitest';
import { renderFindings } from '../../../autoscaler/doctor/doctor-command.ts';
import { examineMachine, type Finding, node } from '../../../autoscaler/doctor/examine-machine.ts';

describe('findings', () => {
  const good: Finding = { about: 'CPU', verdict: 'good', text: '2 cores' };
  const note: Finding = {
    about: 'CPU quotas',
    verdict: 'note',
    text: 'do not hold',
    meaning: 'So.',
    remedy: 'Do.',
  };
  const bad: Finding = { about: 'Cache', verdict: 'bad', text: '/x cannot be written' };

  it('are lines, with what they mean and what to do', () => {
    expect(renderFindings([good, note], false)).toBe(
      '✓ CPU           2 cores\n! CPU quotas    do not hold\n                So.\n                → Do.\n\nAll works; one thing could be better.\n',
    );
  });

  it.each([
    [[good], 'All is as it should be.'],
    [[good, note, note], 'All works; 2 things could be better.'],
    [[bad, note], 'One thing will not work here.'],
    [[bad, bad], '2 things will not work here.'],
  ])('end in a verdict', (findings, verdict) => {
    expect(renderFindings(findings, false).trimEnd().split('\n').at(-1)).toBe(verdict);
  });
});

it.each([
  ['20.19.0', 'good'],
  ['24.1.0', 'good'],
  ['20.18.3', 'bad'],
  ['18.20.0', 'bad'],
])('Node.js %s is %s', (version, verdict) => {
  expect(node(version).verdict).toBe(verdict);
});

it('of this machine are told without an error', async () => {
  const findings = await examineMachine();
  expect(findings.map(({ about }) => about)).toEqual([
    ...['Node.js', 'CPU', 'CPU quotas', 'Load', 'Memory', 'GPU', 'Cache', 'State'],
  ]);
  for (const { text } of findings) expect(text).not.toMatch(/undefined|NaN/);
});
