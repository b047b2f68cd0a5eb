import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse, parseAllDocuments } from 'yaml';

const run = promisify(execFile);

const GO_PACKAGES = '/usr/share/gocode';
const GO_COMMANDS = ['/usr/lib/go-1.19/bin/go', '/usr/bin/go'];
const PROGRAM = join(dirname(fileURLToPath(import.meta.url)), 'main.go');

/** Why charts cannot be rendered here; undefined where they can. */
export function chartsUnrenderable(): string | undefined {
  if (goCommand() === undefined) return 'needs Go (Debian: golang-1.19-go)';
  if (existsSync(join(GO_PACKAGES, 'src/github.com/Masterminds/sprig'))) return undefined;
  return 'needs Helm’s template functions (Debian: golang-github-masterminds-sprig-dev)';
}

function goCommand(): string | undefined {
  return GO_COMMANDS.find((command) => existsSync(command));
}

/** The objects that a chart makes of values, rendered by the template engine that Helm uses. */
export async function renderChart(chart: string, values: object): Promise<readonly KubernetesObject[]> {
  const work = await mkdtemp(join(tmpdir(), 'infless-chart-'));
  try {
    const program = join(work, 'render');
    await run(goCommand()!, ['build', '-o', program, PROGRAM], {
      env: { ...process.env, GO111MODULE: 'off', GOPATH: GO_PACKAGES, GOCACHE: join(work, 'cache') },
    });
    const rendered = run(program, { maxBuffer: 16 << 20 });
    rendered.child.stdin!.end(JSON.stringify(await inputOf(chart, values)));
    const texts = JSON.parse((await rendered).stdout) as Record<string, string>;
    return Object.entries(texts)
      .filter(([name]) => name.endsWith('.yaml'))
      .flatMap(([, text]) => objectsOf(text));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The definitions of kinds that Helm installs before all else: files of the chart, taken as they are. */
export async function definitionsOf(chart: string): Promise<readonly KubernetesObject[]> {
  const folder = join(chart, 'crds');
  const names = (await readdir(folder)).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.flatMap(objectsOf);
}

async function inputOf(chart: string, values: object): Promise<object> {
  const folder = join(chart, 'templates');
  const names = await readdir(folder);
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  const about = parse(await readFile(join(chart, 'Chart.yaml'), 'utf8'));
  const defaults = parse(await readFile(join(chart, 'values.yaml'), 'utf8'));
  return {
    values: { ...defaults, ...values },
    release: { Name: 'infless', Namespace: 'infless', Service: 'Helm' },
    chart: { Name: about.name, Version: about.version, AppVersion: about.appVersion },
    files: Object.fromEntries(names.map((name, index) => [name, texts[index]])),
  };
}

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  // biome-ignore lint/suspicious/noExplicitAny: of whatever kind it is
  readonly [field: string]: any;
}

/** The objects of a text of several YAML documents; @throws where one is not valid YAML. */
export function objectsOf(text: string): KubernetesObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors.length > 0) throw document.errors[0]!;
    return document.contents === null ? [] : [document.toJS()];
  });
}
