import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { type Logger, pino } from 'pino';
import { createProgram } from '../models/base/cli.ts';
import { InflessError } from '../models/base/errors.ts';
import { formatDuration, parseCpuMillicores } from '../models/base/units.ts';
import { availableCpuMillicores } from '../profiler/quota/cpu-limit.ts';
import type { Backend } from './backends/backend.ts';
import { KubernetesBackend } from './backends/kubernetes-backend.ts';
import { LocalBackend } from './backends/local-backend.ts';
import { isLoopbackName, parseHostName } from './gateway/admin-guard/host-name.ts';
import { type Credentials, readCredentials } from './gateway/basic-auth.ts';
import { imageCommand } from './image/image-command.ts';
import { RATE_MODEL_NAMES, rateModelByName } from './plan/rates/rate-models.ts';
import { type Service, startService } from './service.ts';
import { explainCommand } from './what-if/commands/explain-command.ts';
import { planCommand } from './what-if/commands/plan-command.ts';

interface Options {
  readonly functions?: string;
  readonly host: string;
  readonly allowHost?: readonly string[];
  readonly port: string;
  readonly platform: 'local' | 'kubernetes';
  readonly stateDir: string;
  readonly cpu?: string;
  readonly gpu: boolean;
  readonly namespace?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly rateModel: string;
  readonly basicAuthDir?: string;
  readonly logLevel: string;
}

/** How long instances outlive an autoscaler that ended without stopping them. */
const ORPHAN_MS = 60_000;

/** `infless-autoscaler`: serves declared functions until a signal. */
export function createAutoscalerProgram(): Command {
  return withCommands(serveProgram());
}

/** Beside serving, which is what the program does when no command is named. */
function withCommands(program: Command): Command {
  for (const command of [planCommand(), explainCommand(), imageCommand()])
    program.addCommand(command.copyInheritedSettings(program));
  return program;
}

function serveProgram(): Command {
  return createProgram(
    'infless-autoscaler',
    'Serve models within their latency targets, with as few resources as possible.',
  )
    .enablePositionalOptions() // what follows a command's name is the command's
    .option('-f, --functions <file>', 'YAML or JSON file of functions to serve')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option(
      '--allow-host <name>',
      'another name or address by which functions may be administered without a login; repeatable',
      collectHostName,
    )
    .option('-p, --port <number>', 'port to listen on; 0 picks a free one', '8080')
    .addOption(
      new Option(
        '--platform <name>',
        'where instances run: as processes of this machine, or as pods of a cluster',
      )
        .choices(['local', 'kubernetes'])
        .default('local'),
    )
    .option(
      '--namespace <name>',
      'kubernetes: the namespace of functions and instances (default: that of the pod or of the context)',
    )
    .option(
      '--kubeconfig <file>',
      'kubernetes: how to reach the cluster (default: KUBECONFIG, ~/.kube/config, or the service account of the pod)',
    )
    .option('--context <name>', 'kubernetes: context of the kubeconfig (default: its current one)')
    .option(
      '--state-dir <folder>',
      'local: where functions and instances are remembered',
      defaultStateDirectory(),
    )
    .option(
      '--cpu <cores>',
      'local: CPU of this machine that instances may use together (default: all but 0.2 cores)',
    )
    .option('--no-gpu', 'local: leave the GPUs of this machine alone (default: instances may use them)')
    .addOption(
      new Option(
        '--rate-model <name>',
        'how much an instance is counted on for: a simulated percentile, or the rule of the paper',
      )
        .choices(RATE_MODEL_NAMES)
        .default('percentile'),
    )
    .addOption(
      new Option(
        '--basic-auth-dir <folder>',
        'folder with the files basic-auth-user and basic-auth-password: who may administer functions (default: everybody)',
      ).env('INFLESS_BASIC_AUTH_DIR'),
    )
    .addOption(
      new Option('--log-level <level>', 'least severe log lines to print')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .addHelpText(
      'after',
      `
Functions are declared in the file, or by REST:
  curl localhost:8080/api/functions -H 'Content-Type: application/json' \\
    -d '{"name":"mobilenet","model":"mobilenet","slo":"200ms"}'
and called at /function/NAME, or /v1/models/NAME:predict.

Without --basic-auth-dir, who declares functions has to call this program by localhost, the address given with --host or
a name given with --allow-host: so no web site can do it through somebody's browser.

SIGINT (Ctrl-C) stops the instances. SIGTERM leaves them to the next autoscaler on the same --state-dir; if none
comes within ${formatDuration(ORPHAN_MS)}, they end by themselves. On a cluster they stay until one comes.

On a cluster functions are objects of the kind InferenceFunction; those of the file are made and stay.`,
    )
    .action((options: Options) => serve(options));
}

async function serve(options: Options): Promise<void> {
  const logger = pino({ level: options.logLevel, base: null }, pino.destination({ fd: 2, sync: true }));
  const credentials = await credentialsOf(options, logger);
  const service = await startService({
    host: options.host,
    ...(options.allowHost === undefined ? {} : { allowHosts: options.allowHost }),
    port: parsePort(options.port),
    ...(options.functions === undefined ? {} : { functionsFile: options.functions }),
    backend: await backendOf(options, logger),
    rates: rateModelByName(options.rateModel),
    logger,
    ...(credentials === undefined ? {} : { credentials }),
  });
  logger.info({ url: service.url }, 'serving');
  await untilSignal(service, (signal, mode) => logger.info({ signal, instances: mode }, 'shutting down'));
}

async function credentialsOf(
  { basicAuthDir, host }: Options,
  logger: Logger,
): Promise<Credentials | undefined> {
  if (basicAuthDir !== undefined) return readCredentials(basicAuthDir);
  if (!isLoopback(host))
    logger.warn({ host }, 'whoever reaches this address can deploy functions: give --basic-auth-dir');
  return undefined;
}

function isLoopback(host: string): boolean {
  return isLoopbackName(parseHostName(host) ?? host);
}

function collectHostName(text: string, before: readonly string[] = []): string[] {
  const name = parseHostName(text);
  if (name !== undefined) return [...before, name];
  throw new InflessError('INVALID_INPUT', `--allow-host "${text}" is no name or address of a host`, {
    remedy: 'Give it without scheme and port, like gateway.example.',
  });
}

async function backendOf(options: Options, logger: Logger): Promise<Backend> {
  refuseStray(options);
  const { platform, stateDir, cpu, namespace, kubeconfig, context } = options;
  if (platform === 'kubernetes') return KubernetesBackend.connect({ namespace, kubeconfig, context }, logger);
  return new LocalBackend({
    stateDirectory: stateDir,
    orphanMs: ORPHAN_MS,
    useGpus: options.gpu,
    onNote: (text) => logger.warn(text),
    ...(cpu === undefined ? {} : { reservedCpuMillicores: await reserveFor(cpu) }),
  });
}

/** What the other platform understands would be ignored without a word. */
function refuseStray(options: Options): void {
  const { platform } = options;
  const strays =
    platform === 'local' ? (['namespace', 'kubeconfig', 'context'] as const) : (['cpu'] as const);
  const stray = strays.find((name) => options[name] !== undefined);
  if (stray === undefined) return;
  throw new InflessError('INVALID_INPUT', `--${stray} says nothing to --platform ${platform}`, {
    remedy: platform === 'local' ? 'Leave it out, or give --platform kubernetes.' : 'Leave it out.',
  });
}

type Mode = Parameters<Service['close']>[0];

/** The first signal ends in good order; a second one at once, as the system does it. */
async function untilSignal(
  service: Service,
  onSignal: (signal: NodeJS.Signals, mode: Mode) => void,
): Promise<void> {
  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGINT', resolve).once('SIGTERM', resolve);
  });
  process.removeAllListeners('SIGINT').removeAllListeners('SIGTERM');
  const mode = signal === 'SIGINT' ? 'stop' : 'leave';
  onSignal(signal, mode);
  await service.close(mode);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InflessError('INVALID_INPUT', `Port "${text}" is not a number from 0 to 65535`);
}

async function reserveFor(cpu: string): Promise<number> {
  const wanted = parseCpuMillicores(cpu, '--cpu');
  const available = await availableCpuMillicores();
  if (wanted <= available) return available - wanted;
  throw new InflessError(
    'INVALID_INPUT',
    `--cpu ${cpu} is more than the ${available / 1000} cores of this machine`,
  );
}

function defaultStateDirectory(): string {
  const { INFLESS_STATE_DIR, XDG_STATE_HOME } = process.env;
  return INFLESS_STATE_DIR || join(XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'infless');
}
