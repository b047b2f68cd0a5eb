import { formatDuration } from '../../../models/base/units.ts';
import { short } from './figures.ts';
import type { Course, FunctionCourse, WhatIfReport } from './report.ts';

/** More stretches than this no one reads in a terminal; the page shows them all. */
const MOST_STRETCHES = 6;

interface Stretch {
  readonly fromBin: number;
  toBin: number;
  readonly instances: string;
}

/** Instances and configs over time, for each policy and function a few lines. */
export function courseText({ policies }: WhatIfReport): string {
  const courses = Object.entries(policies).flatMap(([policy, { course, measuredMs }]) =>
    course.functions.map((each) => `${policy}, ${each.name}\n${linesOf(course, each, measuredMs)}`),
  );
  if (courses.length === 0) return '';
  return `Instances over time, means (b = largest batch, c = cores, g = GPU %)\n${courses.join('\n')}`;
}

function linesOf({ binMs, resources }: Course, each: FunctionCourse, measuredMs: number): string {
  const bins = resources.cores.length;
  const width = Math.ceil(bins / MOST_STRETCHES);
  const stretches: Stretch[] = [];
  for (let fromBin = 0; fromBin < bins; fromBin += width) {
    const toBin = Math.min(bins, fromBin + width);
    const instances = describe(each, fromBin, toBin);
    const last = stretches.at(-1);
    if (last?.instances === instances) last.toBin = toBin;
    else stretches.push({ fromBin, toBin, instances });
  }
  const spans = stretches.map(({ fromBin, toBin }) => {
    return `${fromBin === 0 ? '0 s' : formatDuration(fromBin * binMs)} – ${formatDuration(Math.min(toBin * binMs, measuredMs))}`;
  });
  const padding = Math.max(0, ...spans.map(({ length }) => length));
  return stretches
    .map(({ instances }, index) => `  ${spans[index]!.padStart(padding)}  ${instances}`)
    .join('\n');
}

/** Configs that were there a twentieth of the stretch or more, the most numerous first. */
function describe({ configs }: FunctionCourse, fromBin: number, toBin: number): string {
  const means = configs.map(({ text, instances }) => {
    const values = instances.slice(fromBin, toBin);
    return { text, mean: values.reduce((sum, value) => sum + value, 0) / values.length };
  });
  const present = means.filter(({ mean }) => mean >= 0.05).sort((a, b) => b.mean - a.mean);
  if (present.length === 0) return 'none';
  return present.map(({ text, mean }) => `${short(Math.round(mean * 10) / 10)} × ${text}`).join(' + ');
}
