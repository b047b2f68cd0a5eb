import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { onInterrupt } from '../../models/base/command-line/interrupt.ts';
import { argument, defineProgram, option, toggle } from '../../models/base/command-line/option-table.ts';
import { decimal, file, text, wholeNumber } from '../../models/base/command-line/parsers.ts';
import { InflessError } from '../../models/base/errors.ts';
import { formatDuration, parseCpuMillicores, parseDurationMs } from '../../models/base/units.ts';
import { AutoscalerClient, URL_OPTION } from './autoscaler-client.ts';
import { renderStatus, type StatusRow } from './status-table.ts';

const EVERY_MS = 2_000;
const CLEAR_SCREEN = '\x1b[2J\x1b[H';

const JSON_OPTION = toggle({ flag: '--json', help: 'write JSON' });

async function functionsOf(client: AutoscalerClient, name?: string): Promise<readonly StatusRow[]> {
  if (name !== undefined) return [await client.ask({ path: `/api/functions/${encodeURIComponent(name)}` })];
  const { functions } = await client.ask<{ functions: StatusRow[] }>({ path: '/api/functions' });
  return functions;
}

/** `infless status`: what runs, how fast, with how much. */
export const statusCommand = defineProgram({
  name: 'status',
  summary:
    'Show what a running autoscaler serves: rates, latencies against SLOs, instances, and what is wrong.',
  options: {
    url: URL_OPTION,
    function: option({
      flag: '--function <name>',
      parse: text,
      otherwise: 'all',
      help: 'this function only',
    }),
    json: JSON_OPTION,
  },
  notes: `
Percentiles are of the requests of the last five minutes of each function, 1,024 at most.`,
  run: async ({ url, function: name, json }) => {
    const functions = await functionsOf(new AutoscalerClient(url), name);
    process.stdout.write(json ? `${JSON.stringify({ functions })}\n` : renderStatus(functions));
  },
});

/** `infless top`: the same, again and again. */
export const topCommand = defineProgram({
  name: 'top',
  summary: 'Show what a running autoscaler serves, every two seconds, until Ctrl-C.',
  options: { url: URL_OPTION },
  run: async ({ url }) => {
    const client = new AutoscalerClient(url);
    const { signal, release } = onInterrupt();
    while (!signal.aborted) {
      const table = renderStatus(await functionsOf(client));
      const heading = `${client.url.origin}, ${new Date().toTimeString().slice(0, 8)}\n`;
      process.stdout.write(`${process.stdout.isTTY === true ? CLEAR_SCREEN : ''}${heading}${table}`);
      await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
    release();
  },
});

/** `infless logs NAME`: what instances print. */
export const logsCommand = defineProgram({
  name: 'logs',
  summary: 'Show what the instances of a function print.',
  options: {
    function: argument({ argument: '<function>', parse: text, help: 'name of the function' }),
    url: URL_OPTION,
    follow: toggle({ flag: '-f, --follow', help: 'go on with what is printed from now on, until Ctrl-C' }),
    tail: option({
      flag: '--tail <number>',
      parse: wholeNumber(1),
      otherwise: 'all',
      help: 'how many lines to show of each instance, the latest',
    }),
    json: toggle({ flag: '--json', help: 'write JSON, one object a line' }),
  },
  run: async ({ function: name, url, follow, tail, json }) => {
    const client = new AutoscalerClient(url);
    const { signal, release } = onInterrupt();
    const query = new URLSearchParams({ name, follow: String(follow), tail: String(tail ?? 0) });
    try {
      const { body } = await client.send({ path: `/system/logs?${query}`, signal });
      const lines = createInterface({ input: Readable.fromWeb(body as never), crlfDelay: Infinity });
      for await (const line of lines) process.stdout.write(json ? `${line}\n` : logLine(line));
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      release();
    }
  },
});

function logLine(json: string): string {
  const { instance, timestamp, text: said } = JSON.parse(json) as Record<string, string>;
  return `${new Date(timestamp!).toTimeString().slice(0, 8)} ${instance} ${said}\n`;
}

/** What is used here of the answer to `POST /api/ui/preview`. */
interface Preview {
  readonly isNew: boolean;
  readonly warnings: readonly string[];
  readonly explanation: {
    readonly chosen: {
      readonly text: string;
      readonly capacityPerSecond: number;
      readonly forecast: { readonly p99Ms: number } | null;
    } | null;
    readonly why: string;
  };
}

/** `infless deploy NAME`: declares a function, and shows what it gets. */
export const deployCommand = defineProgram({
  name: 'deploy',
  summary: 'Deploy a function to a running autoscaler, or replace one, and show what it gets.',
  options: {
    name: argument({ argument: '<name>', parse: text, help: 'name of the function' }),
    model: option({
      flag: '--model <model>',
      parse: file,
      help: 'a model file on the machine of the autoscaler, or a name of the zoo',
    }),
    image: option({
      flag: '--image <image>',
      parse: text,
      help: 'in place of a model: an image of infless pack',
    }),
    slo: option({
      flag: '--slo <time>',
      parse: parseDurationMs,
      required: true,
      help: 'latency within which requests are to be answered',
    }),
    percentile: option({
      flag: '--percentile <number>',
      parse: decimal(50, 99.9),
      otherwise: '99',
      help: 'percent of requests that must be in time',
    }),
    min: option({ flag: '--min <number>', parse: wholeNumber(0), otherwise: '0', help: 'fewest instances' }),
    max: option({ flag: '--max <number>', parse: wholeNumber(1), otherwise: '100', help: 'most instances' }),
    maxCpu: option({
      flag: '--max-cpu <cores>',
      parse: parseCpuMillicores,
      otherwise: 'any of its table',
      help: 'most cores of one instance',
    }),
    rate: option({
      flag: '--rate <number>',
      parse: decimal(0, 1e9),
      otherwise: 'as seen, or 1',
      help: 'requests per second that the preview is for',
    }),
    dryRun: toggle({ flag: '--dry-run', help: 'only show what it would get' }),
    url: URL_OPTION,
    json: JSON_OPTION,
  },
  notes: `
Examples:
  infless deploy resnet --model ./resnet.onnx --slo 200ms
  infless deploy resnet --image registry.example/resnet:1 --slo 150ms --max 4 --dry-run

The model needs a table on the machine of the autoscaler: infless profile measures one. Other fields, see docs/serve.md, are
declared in a functions file or by REST.`,
  run: async (options) => {
    const client = new AutoscalerClient(options.url);
    const declaration = declarationOf(options);
    const preview = await client.ask<Preview>({
      method: 'POST',
      path: '/api/ui/preview',
      body: { ...declaration, ...(options.rate === undefined ? {} : { ratePerSecond: options.rate }) },
    });
    if (!options.json) process.stdout.write(previewText(preview));
    const status = options.dryRun
      ? undefined
      : await client.ask<StatusRow>({ method: 'POST', path: '/api/functions', body: declaration });
    if (options.json) process.stdout.write(`${JSON.stringify({ preview, status: status ?? null })}\n`);
    else if (status !== undefined)
      process.stdout.write(`Deployed: ${new URL(`/function/${options.name}`, client.url).href}\n`);
  },
});

interface Deployed {
  readonly name: string;
  readonly model: string | undefined;
  readonly image: string | undefined;
  readonly slo: number;
  readonly percentile: number | undefined;
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly maxCpu: number | undefined;
}

function declarationOf({ name, model, image, slo, percentile, min, max, maxCpu }: Deployed) {
  if ((model === undefined) === (image === undefined)) {
    throw new InflessError('INVALID_INPUT', 'Either --model or --image must be given, and not both');
  }
  const isPath = model !== undefined && /[./\\]/.test(model);
  const scale = { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
  return {
    name,
    ...(model === undefined ? { image } : { model: isPath ? resolve(model) : model }),
    slo: `${slo}ms`,
    ...(percentile === undefined ? {} : { percentile }),
    ...(Object.keys(scale).length === 0 ? {} : { scale }),
    ...(maxCpu === undefined ? {} : { limits: { cpu: maxCpu / 1000 } }),
  };
}

function previewText({ warnings, explanation }: Preview): string {
  const { chosen, why } = explanation;
  const gets =
    chosen === null
      ? 'It gets nothing.'
      : `It gets ${chosen.text}, for ${chosen.capacityPerSecond.toPrecision(3)} requests/s at most.`;
  const p99 = chosen?.forecast == null ? [] : [`p99 predicted: ${formatDuration(chosen.forecast.p99Ms)}.`];
  return [...warnings.map((warning) => `! ${warning}`), gets, why, ...p99]
    .map((line) => `${line}\n`)
    .join('');
}
