import { type Command, Option } from 'commander';
import { writeFileSafely } from '../../models/base/files.ts';
import { formatTable, TABLE_FORMATS, type TableFormat } from '../../profiles/formats/index.ts';
import { readTable } from '../../profiles/store.ts';

interface ExportOptions {
  readonly format: TableFormat;
  readonly output?: string;
}

/** `infless-profile export`: a table for other programs and for people. */
export function addExportCommand(program: Command): void {
  program
    .command('export')
    .description('write a profile table in another format')
    .argument('<table>', 'a profile table (JSON)')
    .addOption(
      new Option('--format <format>', 'infless is the text of the published artifact')
        .choices(TABLE_FORMATS)
        .makeOptionMandatory(),
    )
    .option('-o, --output <file>', 'where to (default: standard output)')
    .action(async (file: string, { format, output }: ExportOptions) => {
      const text = formatTable(await readTable(file), format);
      if (output === undefined) process.stdout.write(text);
      else await writeFileSafely(output, text);
    });
}
