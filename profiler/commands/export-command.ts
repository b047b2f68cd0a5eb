import { argument, defineProgram, option } from '../../models/base/command-line/option-table.ts';
import { file, oneOf } from '../../models/base/command-line/parsers.ts';
import { writeFileSafely } from '../../models/base/files.ts';
import { formatTable, TABLE_FORMATS } from '../../profiles/formats/index.ts';
import { readTable } from '../../profiles/store.ts';

/** `infless-profile export`: a table for other programs and for people. */
export const exportCommand = defineProgram({
  name: 'export',
  summary: 'Write a profile table in another format.',
  options: {
    table: argument({ argument: '<table>', parse: file, help: 'a profile table (JSON)' }),
    format: option({
      flag: '--format <format>',
      parse: oneOf(TABLE_FORMATS),
      required: true,
      help: 'format to write; infless is the text of the published artifact',
    }),
    output: option({
      flag: '-o, --output <file>',
      parse: file,
      otherwise: 'standard output',
      help: 'file to write',
    }),
  },
  run: async ({ table, format, output }) => {
    const text = formatTable(await readTable(table), format);
    if (output === undefined) process.stdout.write(text);
    else await writeFileSafely(output, text);
  },
});
