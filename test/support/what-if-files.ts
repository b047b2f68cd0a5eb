import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toInflessText } from '../../profiles/formats/index.ts';
import { PROFILE } from './simulated-functions.ts';

/** Input files of plans, in a folder of their own. */
export interface WhatIfFiles {
  readonly folder: string;
  /** One function, `pictures`, whose table is JSON. */
  readonly functions: string;
  /** Two functions whose tables are INFless text, `a` and `b`. */
  readonly textFunctions: string;
  readonly cluster: string;
  /** Writes a further file. */
  write(name: string, text: string): Promise<string>;
}

export async function whatIfFiles(): Promise<WhatIfFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'infless-what-if-'));
  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  await write('table.json', JSON.stringify(PROFILE));
  await write('table.txt', `${toInflessText(PROFILE)}other 1 0 1 5\nother 1 0 8 9999\n`);
  return {
    folder,
    write,
    functions: await write(
      'functions.yaml',
      'functions:\n  - {name: pictures, model: not-at-hand.onnx, slo: 200ms, profile: table.json}\n',
    ),
    textFunctions: await write(
      'text-functions.yaml',
      `functions:
  - {name: a, model: sample, slo: 200ms, profile: table.txt}
  - {name: b, model: other, slo: 200ms, percentile: 95, profile: table.txt}
`,
    ),
    cluster: await write(
      'cluster.yaml',
      'nodes: [{count: 2, cpu: 16, memory: 64GB}]\nprices: {currency: EUR, cpu: 0.03}\n',
    ),
  };
}
