import type { Logger } from 'pino';
import { InflessError } from '../models/base/errors.ts';
import { availableCpuMillicores } from '../profiler/quota/cpu-limit.ts';
import { isLoopbackName, parseHostName } from './gateway/admin-guard/host-name.ts';
import { type Credentials, ownCredentials, readCredentials } from './gateway/basic-auth.ts';
import { journalFolder } from './journal/journal.ts';
import { rateModelByName } from './planning/capacity/rate-models.ts';
import { ORPHAN_MS, type ServeValues } from './serve-options.ts';
import type { Backend } from './service/backend.ts';
import { KubernetesBackend } from './service/kubernetes-backend.ts';
import { LocalBackend } from './service/local-backend.ts';
import { type Service, type ServiceOptions, startService } from './service/service.ts';
import { serviceLogger } from './service/service-logger.ts';

/** Whatever holds up the end: less than the 30 s after which Kubernetes and others kill. */
const LONGEST_END_MS = 28_000;

/** Serves declared functions until a signal. */
export async function serve(options: ServeValues): Promise<void> {
  const logger = serviceLogger(options.logLevel);
  const { credentials, onServing } = await loginOf(options, logger);
  const service = await startService({
    host: options.host,
    allowHosts: options.allowHost,
    port: options.port,
    ...(options.functions === undefined ? {} : { functionsFile: options.functions }),
    backend: await backendOf(options, logger),
    ...(options.allowCallback.length === 0 ? {} : { callbackHosts: new Set(options.allowCallback) }),
    rates: rateModelByName(options.rateModel),
    logger,
    hasPage: options.ui === 'on',
    ...journalOf(options),
    ...(credentials === undefined ? {} : { credentials }),
  });
  logger.info({ url: service.url }, 'serving');
  onServing?.(service.url);
  await untilSignal(service, (signal, mode) => {
    logger.info({ signal, instances: mode }, 'shutting down');
    setTimeout(() => {
      logger.error({ afterMs: LONGEST_END_MS }, 'giving up what holds up the end');
      process.exit(3);
    }, LONGEST_END_MS).unref();
  });
}

interface Login {
  readonly credentials?: Credentials;
  /** Tells once how to log in. */
  readonly onServing?: (url: string) => void;
}

/** On one machine there always is one, unless somebody wants none; on a cluster it is a secret's. */
async function loginOf(
  { basicAuthDir, auth, host, platform, stateDir }: ServeValues,
  logger: Logger,
): Promise<Login> {
  if (auth && basicAuthDir !== undefined) return { credentials: await readCredentials(basicAuthDir) };
  if (auth && platform === 'local') {
    const { credentials, passwordFile, isNew } = await ownCredentials(stateDir);
    if (!isNew) return { credentials };
    return {
      credentials,
      onServing: (url) =>
        logger.info(
          {
            user: credentials.user,
            passwordFile,
            login: `faas-cli login --gateway ${url} --username ${credentials.user} --password-stdin < ${passwordFile}`,
          },
          'changes of functions need a login',
        ),
    };
  }
  if (!auth || !isLoopback(host))
    logger.warn({ host }, 'everyone who reaches this address can deploy functions: give --basic-auth-dir');
  return {};
}

/** On a cluster a pod's own disk is gone with it: only a folder that is named is worth writing to. */
function journalOf({ journal, platform, stateDir }: ServeValues): Pick<ServiceOptions, 'journalFolder'> {
  const folder = journal ?? (platform === 'local' ? journalFolder(stateDir) : undefined);
  return folder === undefined || folder === 'off' ? {} : { journalFolder: folder };
}

function isLoopback(host: string): boolean {
  return isLoopbackName(parseHostName(host) ?? host);
}

async function backendOf(options: ServeValues, logger: Logger): Promise<Backend> {
  refuseStray(options);
  const { platform, stateDir, cpu, namespace, kubeconfig, context } = options;
  if (platform === 'kubernetes') return KubernetesBackend.connect({ namespace, kubeconfig, context }, logger);
  return new LocalBackend({
    stateDirectory: stateDir,
    orphanMs: ORPHAN_MS,
    useGpus: options.gpu,
    onNote: (text) => logger.warn(text),
    modelFolders: [process.cwd(), ...options.modelDir],
    ...(cpu === undefined ? {} : { reservedCpuMillicores: await reserveFor(cpu) }),
  });
}

/** What the other platform understands would be ignored without a word. */
function refuseStray(options: ServeValues): void {
  const { platform } = options;
  const strays =
    platform === 'local' ? (['namespace', 'kubeconfig', 'context'] as const) : (['cpu'] as const);
  const stray = strays.find((name) => options[name] !== undefined);
  if (stray === undefined) return;
  throw new InflessError('INVALID_INPUT', `--${stray} is not an option of --platform ${platform}`, {
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

async function reserveFor(wantedMillicores: number): Promise<number> {
  const available = await availableCpuMillicores();
  if (wantedMillicores <= available) return available - wantedMillicores;
  throw new InflessError(
    'INVALID_INPUT',
    `--cpu ${wantedMillicores / 1000} is more than the ${available / 1000} cores of this machine`,
  );
}
