import { option, repeatable, toggle, type Values } from '../models/base/command-line/option-table.ts';
import { file, folder, oneOf, text, wholeNumber } from '../models/base/command-line/parsers.ts';
import { InflessError } from '../models/base/errors.ts';
import { stateDirectory } from '../models/base/files.ts';
import { parseCpuMillicores } from '../models/base/units.ts';
import { parseHostName } from './gateway/admin-guard/host-name.ts';
import { RATE_MODEL_NAMES } from './planning/capacity/rate-models.ts';

/** How long instances outlive an autoscaler that ended without stopping them. */
export const ORPHAN_MS = 60_000;

const GATEWAY = 'Gateway';
const LOCAL = 'On one machine';
const KUBERNETES = 'On Kubernetes';

/** The options of `infless-autoscaler`, when no command is named. */
export const SERVE_OPTIONS = {
  functions: option({
    flag: '-f, --functions <file>',
    parse: file,
    help: 'YAML or JSON file of functions to serve',
  }),
  platform: option({
    flag: '--platform <name>',
    parse: oneOf(['local', 'kubernetes']),
    default: 'local',
    help: 'where instances run: as processes of this machine, or as pods of a cluster',
  }),
  rateModel: option({
    flag: '--rate-model <name>',
    parse: oneOf(RATE_MODEL_NAMES),
    default: 'percentile',
    help: "how the capacity of an instance is predicted: by a simulated percentile, or by the paper's rule",
  }),
  logLevel: option({
    flag: '--log-level <level>',
    parse: oneOf(['debug', 'info', 'warn', 'error']),
    default: 'info',
    help: 'least severe level to log',
  }),
  host: option({
    flag: '--host <address>',
    parse: text,
    default: '127.0.0.1',
    group: GATEWAY,
    help: 'address to listen on',
  }),
  port: option({
    flag: '-p, --port <number>',
    parse: wholeNumber(0, 65_535),
    default: '8080',
    group: GATEWAY,
    help: 'port to listen on; 0 picks a free one',
  }),
  allowHost: repeatable({
    flag: '--allow-host <name>',
    parse: parseAllowedHost,
    group: GATEWAY,
    help: 'another name of this gateway by which functions may be administered without a login',
  }),
  allowCallback: repeatable({
    flag: '--allow-callback <host>',
    parse: parseAllowedHost,
    group: GATEWAY,
    help: 'a host that results of asynchronous calls may be posted to; once given, no others are',
  }),
  basicAuthDir: option({
    flag: '--basic-auth-dir <folder>',
    env: 'INFLESS_BASIC_AUTH_DIR',
    emptyEnv: 'given',
    parse: parseCredentialsFolder,
    otherwise: 'a login of its own, kept in the state folder',
    group: GATEWAY,
    help: 'folder with the files basic-auth-user and basic-auth-password: the login for administering functions',
  }),
  auth: toggle({
    flag: '--no-auth',
    otherwise: 'changes need a login',
    group: GATEWAY,
    help: 'let everyone who reaches the gateway administer functions',
  }),
  ui: option({
    flag: '--ui <state>',
    parse: oneOf(['on', 'off']),
    default: 'on',
    group: GATEWAY,
    help: 'whether there is a page for browsers, at /ui',
  }),
  stateDir: option({
    flag: '--state-dir <folder>',
    env: 'INFLESS_STATE_DIR',
    parse: folder,
    default: () => stateDirectory(),
    otherwise: '~/.local/state/infless',
    group: LOCAL,
    help: 'folder that keeps functions and instances',
  }),
  modelDir: repeatable({
    flag: '--model-dir <folder>',
    parse: folder,
    group: LOCAL,
    help: 'another folder that functions declared by REST may name models and tables in',
  }),
  journal: option({
    flag: '--journal <folder>',
    parse: folder,
    otherwise: 'journal below the state folder; on a cluster none',
    help: 'folder that keeps the decisions; "off" keeps none',
  }),
  cpu: option({
    flag: '--cpu <cores>',
    parse: parseCpuMillicores,
    otherwise: 'all but 0.2 cores',
    group: LOCAL,
    help: 'cores of this machine that instances may use together',
  }),
  gpu: toggle({
    flag: '--no-gpu',
    otherwise: 'they are used',
    group: LOCAL,
    help: 'do not use the GPUs of this machine',
  }),
  namespace: option({
    flag: '--namespace <name>',
    parse: text,
    otherwise: "the pod's, or the context's",
    group: KUBERNETES,
    help: 'the namespace of functions and instances',
  }),
  kubeconfig: option({
    flag: '--kubeconfig <file>',
    parse: file,
    otherwise: 'KUBECONFIG, ~/.kube/config, or the service account of the pod',
    group: KUBERNETES,
    help: 'how to reach the cluster',
  }),
  context: option({
    flag: '--context <name>',
    parse: text,
    otherwise: 'its current one',
    group: KUBERNETES,
    help: 'context in the kubeconfig',
  }),
};

export type ServeValues = Values<typeof SERVE_OPTIONS>;

function parseAllowedHost(given: string, option: string): string {
  const name = parseHostName(given);
  if (name !== undefined) return name;
  throw new InflessError('INVALID_INPUT', `${option} "${given}" is no name or address of a host`, {
    remedy: 'Give it without scheme and port, like gateway.example.',
  });
}

function parseCredentialsFolder(given: string, name: string): string {
  if (given !== '') return given;
  throw new InflessError(
    'INVALID_INPUT',
    `${name} is empty, so no one could log in to administer functions`,
    {
      remedy: 'Name a folder. To require no login, unset it.',
    },
  );
}
