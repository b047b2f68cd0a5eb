import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderHelp } from '../../../models/base/command-line/help.ts';
import { callProgram } from '../../../models/base/command-line/program.ts';
import { messageOf } from '../../../models/base/errors.ts';
import { programFile } from '../../../models/base/package.ts';
import { loadProgram } from '../../../profiler/load/program.ts';
import type { LoadReport } from '../../../profiler/load/report.ts';
import { numpyFile } from '../../models/sample/numpy-files.ts';
import { serve } from './load-server.ts';

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the compiled program (the build comes before the tests), interrupted when it first reports if so
 * wished.
 */
function infLoad(args: readonly string[], interruptAtFirstLine = false): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [programFile('profiler/load/bin'), ...args], {
      env: { ...process.env, NO_COLOR: '1' },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (interruptAtFirstLine && stderr === '') child.kill('SIGINT'); // a second one would end it at once
      stderr += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-load-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const SHORT = ['--body', '{}', '--rate', '100', '--arrivals', 'constant', '--duration', '300ms'];

describe('infless-load', () => {
  it('exits 0 when the SLO was met, with a line a second and a summary', async () => {
    const { url } = await serve((response) => response.end('{}'));
    const { code, stdout, stderr } = await infLoad([url, ...SHORT, '--slo', '2s']);
    expect(stderr).toMatch(
      /^ +1 s {2}sent 30 {2}answered 30 {2}ok 30 {2}p50 .+ {2}p99 .+ {2}outstanding 0\n$/,
    );
    expect(stdout).toMatch(/│ answered ok +│ 30, 100\.0\/s/);
    expect(stdout).toMatch(/│ SLO +│ 2\.00 s at p99: met, 0 violations \(0\.00 %\)/);
    expect(code).toBe(0);
  });

  it('exits 1 when the SLO was missed', async () => {
    const { url } = await serve((response) => setTimeout(() => response.end('{}'), 100));
    const { code, stdout } = await infLoad([url, ...SHORT, '--slo', '50ms', '--percentile', '90']);
    expect(stdout).toContain('50 ms at p90: missed, 30 violations (100.00 %)');
    expect(code).toBe(1);
  });

  it('writes the report as JSON, to standard output or a file', async () => {
    const { url } = await serve((response) => response.end('{}'));
    const { stdout } = await infLoad([url, ...SHORT, '--json']);
    expect((JSON.parse(stdout) as LoadReport).sent).toBe(30);
    const file = join(folder, 'report.json');
    const { stdout: summary } = await infLoad([url, ...SHORT, '--json', file]);
    expect(summary).toContain('│ requests');
    expect((JSON.parse(await readFile(file, 'utf8')) as LoadReport).arrivals).toEqual({
      type: 'constant',
      seed: 1,
    });
  });

  it('replays a trace file and a body file', async () => {
    const { url, bodies } = await serve((response) => response.end('{}'));
    const trace = join(folder, 'trace.csv');
    await writeFile(trace, 'second,rps\n0,50\n1,0\n2,100\n');
    const body = join(folder, 'body.json');
    await writeFile(body, '[1]');
    const { stdout } = await infLoad(
      [url, '--trace', trace, '--column', 'rps', '--interval', '200ms', '--scale', '2'].concat([
        '--data',
        body,
        '--arrivals',
        'constant',
        '--json',
      ]),
    );
    const report = JSON.parse(stdout) as LoadReport;
    expect(report).toMatchObject({ sent: 60, ok: 60, durationMs: 600 });
    expect(new Set(bodies)).toEqual(new Set(['[1]']));
  });

  it('makes bodies up like a sample', async () => {
    const dim = [-1, 2, 3].map((size) => ({ size: String(size), name: '' }));
    const x = { dtype: 'DT_FLOAT', tensor_shape: { dim, unknown_rank: false }, name: 'x' };
    const serving = { inputs: { x }, outputs: {}, method_name: 'tensorflow/serving/predict' };
    const metadata = {
      model_spec: { name: 'm', signature_name: '', version: '1' },
      metadata: { signature_def: { signature_def: { serving_default: serving } } },
    };
    const { url, bodies } = await serve((response, { method }) =>
      response.end(JSON.stringify(method === 'GET' ? metadata : {})),
    );
    const sample = join(folder, 'sample.npy');
    await writeFile(sample, numpyFile('floats')); // [[[0, 0.25, 0.5], [0.75, 1, 1.25]]]
    const few = ['--rate', '100', '--arrivals', 'constant', '--duration', '50ms'];
    const { code } = await infLoad([`${url}/v1/models/m`, '--sample', sample, ...few]);
    expect(code).toBe(0);
    const sent = bodies.filter((body) => body !== '').map((body) => JSON.parse(body) as unknown);
    expect(sent).toContainEqual({
      instances: [
        [
          [0, 0.25, 0.5],
          [0.75, 1, 1.25],
        ],
      ],
    });
    expect(sent).toHaveLength(5);
  });

  it('on Ctrl-C reports what it measured and exits 130', async () => {
    const { url } = await serve((response) => response.end('{}'));
    const { code, stdout } = await infLoad(
      [url, '--body', '{}', '--rate', '50', '--duration', '1h', '--json'],
      true,
    );
    const report = JSON.parse(stdout) as LoadReport;
    expect(report.interrupted).toBe(true);
    expect(report.ok).toBe(report.sent);
    expect(report.durationMs).toBeLessThan(10_000);
    expect(code).toBe(130);
  });

  it('exits 3 when nothing listens', async () => {
    expect(await infLoad(['http://127.0.0.1:1/', ...SHORT])).toEqual({
      code: 3,
      stdout: '',
      stderr:
        'error: Nothing answers at http://127.0.0.1:1 (ECONNREFUSED). Start the target first, or check host and port.\n',
    });
  });

  it.each([
    [
      ['--rate', 'fast'],
      'The --rate "fast" is not a number of requests per second. Write a number, like 50 or 0.5.',
    ],
    [[], 'How many requests to send must be said in one way. Give one of --rate, --ramp and --trace.'],
    [['--rate', '1', '--arrivals', 'gamma'], 'Gamma arrivals need a coefficient of variation above 0'],
    [['--rate', '1', '--cv', '2'], '--cv is a property of gamma arrivals. Add --arrivals gamma.'],
    [['--rate', '1', '--duration', '30'], '--duration "30" is not a duration.'],
    [['--rate', '1', '--header', 'nonsense'], '--header "nonsense" is not a header.'],
    [['--rate', '1', '--slo', '1s', '--percentile', '100'], '--percentile "100" is not between 0 and 100.'],
    [['--rate', '1', '--data', '/nowhere'], 'Request body /nowhere cannot be read (ENOENT).'],
    [['--trace', '/nowhere'], 'Rate trace /nowhere does not exist.'],
    [['--rate', '1', '--seed', '-1'], '--seed "-1" is not a whole number from 0 on.'],
  ])('refuses %j', async (args, message) => {
    const parsing = callProgram(loadProgram, ['http://127.0.0.1:1/', ...args]);
    const error = await parsing.catch((reason: unknown) => reason);
    expect(messageOf(error)).toContain(message);
    expect(error).toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('exits 2 on bad input', async () => {
    const { code, stderr } = await infLoad(['localhost', ...SHORT]);
    expect(stderr).toMatch(/^error: "localhost" is not an HTTP URL\./);
    expect(code).toBe(2);
  });

  it('explains itself', () => {
    expect(renderHelp(loadProgram, undefined, 110)).toMatchInlineSnapshot(`
      "Usage: infless-load [options] <url>

      Load an inference endpoint in an open loop and report whether it kept its SLO.

      Arguments:
        <url>                      a function (…/function/NAME), a model (…/v1/models/NAME, …/v2/models/NAME) or any
                                   other URL

      Rate:
        --rate <number>            requests per second
        --ramp <points>            straight lines between rates at times, like 10@0s,50@10s,10@30s
        --trace <file>             rates from a file: one a line, or CSV
        --interval <duration>      how long each rate of the trace holds (default: 1s)
        --column <name>            column of a CSV trace, by header or number (default: 1)
        --scale <factor>           multiply every rate by this (default: 1)
        --duration <duration>      how long to send (default: 30s, or to the end of ramp or trace)
        --arrivals <process>       how requests spread around their rate (one of constant, poisson, gamma; default:
                                   poisson)
        --cv <number>              coefficient of variation of gamma intervals: 1 is Poisson, 2 is bursty
        --seed <integer>           the same seed gives the same arrivals and inputs (default: 1)

      Requests:
        --protocol <name>          how to speak to the target (one of tensorflow-serving, open-inference, openfaas;
                                   default: by the URL)
        --data <file>              request body from a file
        --sample <file>            a request to make up others like, of one row: JSON as TensorFlow Serving takes
                                   it, .npy or .npz
        --shape <input=sizes>      sizes of an input with free dimensions, like images=1,3,640,640; of an only input
                                   without its name (repeatable)
        --body <text>              request body (default: made up from the model's metadata)
        --method <method>          HTTP method (default: POST)
        --header <line>            request header, like "Authorization: Basic …" (repeatable)
        --timeout <duration>       give up on an answer after this long (default: 30s)
        --max-outstanding <count>  requests in flight at once; those beyond are dropped (default: 1000)

      Report:
        --slo <duration>           latency target; exit code 1 if it is missed
        --percentile <number>      share of all requests, in percent, that must meet the SLO (default: 99)
        --json [file]              write the report as JSON to a file, or to standard output in place of the summary

      Options:
        -h, --help                 print this help
        --version                  print the version

      Exit codes: 0 the SLO is kept, or none was given; 1 it is missed; 2 bad input; 3 nothing answers; 130 interrupted.
      "
    `);
  });
});
