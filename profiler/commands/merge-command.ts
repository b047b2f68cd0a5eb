import {
  defineProgram,
  option,
  remainingArguments,
  type Values,
} from '../../models/base/command-line/option-table.ts';
import { file } from '../../models/base/command-line/parsers.ts';
import { formatDuration } from '../../models/base/units.ts';
import { formatConfig } from '../../profiles/config.ts';
import { mergeTables, type NamedTable } from '../../profiles/merge.ts';
import { readTable, saveTable } from '../../profiles/store.ts';

const OPTIONS = {
  files: remainingArguments({ argument: '<tables...>', parse: file, help: 'profile tables (JSON)' }),
  output: option({
    flag: '-o, --output <file>',
    parse: file,
    required: true,
    help: 'the merged table (JSON)',
  }),
};

/** `infless-profile merge`: tables of several sweeps as one. */
export const mergeCommand = defineProgram({
  name: 'merge',
  summary: 'Merge tables of the same model and host into one; newer cells win.',
  options: OPTIONS,
  run: merge,
});

async function merge({ files, output }: Values<typeof OPTIONS>): Promise<void> {
  const tables: NamedTable[] = [];
  for (const name of files) tables.push({ name, table: await readTable(name) });
  const { table, conflicts } = mergeTables(tables);
  await saveTable(table, output);
  for (const { config, kept, dropped } of conflicts) {
    process.stderr.write(
      `conflict: ${formatConfig(config)} takes ${formatDuration(kept.meanMs)} in ${kept.name} (kept), ${formatDuration(dropped.meanMs)} in ${dropped.name}\n`,
    );
  }
  process.stderr.write(
    `Table of ${table.cells.length} cells of ${files.length} tables saved as ${output}${conflicts.length === 0 ? '' : `; ${conflicts.length} conflicts beyond both intervals`}\n`,
  );
}
