import type { Command } from 'commander';
import { formatDuration } from '../../models/base/units.ts';
import { formatConfig } from '../../profiles/config.ts';
import { mergeTables, type NamedTable } from '../../profiles/merge.ts';
import { readTable, saveTable } from '../../profiles/store.ts';

/** `infless-profile merge`: tables of several sweeps as one. */
export function addMergeCommand(program: Command): void {
  program
    .command('merge')
    .description('make one table of several of the same model and host; newer cells win')
    .argument('<tables...>', 'profile tables (JSON)')
    .requiredOption('-o, --output <file>', 'the merged table (JSON)')
    .action(merge);
}

async function merge(files: readonly string[], { output }: { output: string }): Promise<void> {
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
