import type { Command } from 'commander';
import { writeFileSafely } from '../../models/base/files.ts';
import { readTable } from '../../profiles/store.ts';
import { renderPage } from '../report/page/page.ts';
import { readSlo, type SloOptions, sloOptionsOn } from './options.ts';

interface ReportOptions extends SloOptions {
  readonly output: string;
}

/** `infless-profile report`: a page of charts from a table. */
export function addReportCommand(program: Command): void {
  const command = program
    .command('report')
    .description('write a page with charts of a profile table: one file that opens without a network')
    .argument('<table>', 'a profile table (JSON)')
    .requiredOption('-o, --output <file>', 'the page (HTML)');
  sloOptionsOn(command, 'the latency at which the page opens').action(
    async (file: string, options: ReportOptions) => {
      const page = await renderPage(await readTable(file), readSlo(options));
      await writeFileSafely(options.output, page);
      process.stderr.write(`Report saved as ${options.output}\n`);
    },
  );
}
