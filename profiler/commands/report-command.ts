import { argument, defineProgram, option } from '../../models/base/command-line/option-table.ts';
import { file } from '../../models/base/command-line/parsers.ts';
import { writeFileSafely } from '../../models/base/files.ts';
import { readTable } from '../../profiles/store.ts';
import { renderPage } from '../report/page/page.ts';
import { readSlo, sloOptions } from './options.ts';

/** `infless-profile report`: a page of charts from a table. */
export const reportCommand = defineProgram({
  name: 'report',
  summary: 'Write a page with charts of a profile table: one file that needs no network.',
  options: {
    table: argument({ argument: '<table>', parse: file, help: 'a profile table (JSON)' }),
    output: option({ flag: '-o, --output <file>', parse: file, required: true, help: 'the page (HTML)' }),
    ...sloOptions('the latency at which the page opens'),
  },
  notes: `
The page finds the best config for any SLO that you choose on it.

Example:
  infless-profile report mobilenet.json -o mobilenet.html --slo 200ms`,
  run: async ({ table, output, ...slo }) => {
    const page = await renderPage(await readTable(table), readSlo(slo));
    await writeFileSafely(output, page);
    process.stderr.write(`Report saved as ${output}\n`);
  },
});
