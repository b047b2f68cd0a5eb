import { readFile } from 'node:fs/promises';
import { request } from 'undici';
import { z } from 'zod';
import { InflessError, messageOf } from '../../models/base/errors.ts';
import { parseJson, parseWith } from '../../models/base/schema.ts';
import { type Config, configSchema } from '../../profiles/config.ts';
import type { Stale } from '../sweep/refresh-table.ts';

const CELL = /^b(\d+)\s*c(\d+(?:\.\d+)?)(?:\s*g(\d+(?:\.\d+)?))?$/;
const TIMEOUT_MS = 10_000;
const REMEDY =
  'Write cells as the summary names them, like b4c0.5,b8c1, or the address or a file of what a gateway says of a function: http://HOST/api/functions/NAME.';

/** What `--refresh` needs of `GET /api/functions/NAME`. */
const statusSchema = z.object({ tableMismatches: z.array(z.object({ config: configSchema })) });

/**
 * Reads which cells are measured again: `b4c0.5,b8c1g20` as summaries name them, or the status of a function
 * by its address or in a file, whose table does not match in some. True stands for those that may be chosen.
 *
 * @throws InflessError INVALID_INPUT; UNAVAILABLE where the gateway does not answer
 */
export async function readStaleCells(given: string | true): Promise<Stale> {
  if (given === true) return 'frontier';
  const items = given.split(',').map((item) => item.trim());
  if (items.every((item) => CELL.test(item))) return items.map(parseCell);
  const text = /^https?:/.test(given) ? await fetchText(given) : await readText(given);
  const boundary = { what: `Status ${given}`, code: 'INVALID_INPUT', remedy: REMEDY } as const;
  const { tableMismatches } = parseWith(statusSchema, parseJson(text, boundary), boundary);
  if (tableMismatches.length > 0) return tableMismatches.map(({ config }) => config);
  throw new InflessError('INVALID_INPUT', `By ${given}, the table matches: no cell is to be measured again`, {
    remedy: 'Name cells, like --refresh b4c0.5, or leave the value out for those that may be chosen.',
  });
}

function parseCell(text: string): Config {
  const [, batch, cores, gpu = '0'] = CELL.exec(text)!;
  return {
    batch: Number(batch),
    cpuMillicores: Math.round(Number(cores) * 1000),
    gpuPercent: Number(gpu),
  };
}

async function fetchText(url: string): Promise<string> {
  const timeouts = { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS };
  try {
    const { statusCode, body } = await request(url, timeouts);
    const text = await body.text();
    if (statusCode === 200) return text;
    throw new Error(`status ${statusCode}`);
  } catch (error) {
    const what = `${url} does not tell which cells are to be measured again (${messageOf(error)})`;
    throw new InflessError('UNAVAILABLE', what, { remedy: REMEDY, cause: error });
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const what = `--refresh "${file}" is neither cells, nor an address, nor a file that can be read`;
    throw new InflessError('INVALID_INPUT', what, { remedy: REMEDY, cause: error });
  }
}
