import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { programFile } from '../../../models/base/package.ts';
import { ZOO_NAMES } from '../../../models/zoo/names.ts';
import { needs } from '../../support/tools.ts';
import { CompletionFolder } from './completion-shells.ts';

describe.each(['bash', 'zsh', 'fish'] as const)('infless completion %s', (shell) => {
  let folder: CompletionFolder;
  beforeAll(() => {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [programFile('autoscaler/infless/bin'), 'completion', shell],
      { encoding: 'utf8' },
    );
    expect(stderr).toBe('');
    folder = new CompletionFolder(stdout);
  }, 60_000);
  afterAll(() => folder.remove());

  beforeEach((context) => needs(context, shell));

  it.each([
    ['commands', 'infless p', ['pack', 'plan', 'profile']],
    ['commands of a command', 'infless pack v', ['verify']],
    ['commands of a program', 'infless-profile me', ['merge']],
    ['options', 'infless load http://x/ --ra', ['--ramp', '--rate']],
    ['options of a command', 'infless-profile compare --f', ['--fail-on']],
    ['options that take others away', 'infless pack --no-', ['--no-profile']],
    ['options of what is meant by two names', 'infless plan --pol', ['--policies']],
    ['the same of its other name', 'infless-autoscaler plan --pol', ['--policies']],
    ['choices', 'infless pack x --emit ', ['compose', 'infless', 'kubernetes', 'openfaas']],
    ['choices that have begun', 'infless-load http://x/ --arrivals p', ['poisson']],
    ['an argument', 'infless completion ', ['bash', 'fish', 'zsh']],
    ['files', 'infless plan --functions tab', ['table.json']],
    ['files after a short option', 'infless-autoscaler -f tab', ['table.json']],
    ['files as an argument', 'infless profile compare tab', ['table.json']],
    ['nothing where anything may stand', 'infless load --rate ', []],
  ] satisfies [string, string, string[]][])('%s: %s', { timeout: 60_000 }, (_, line, offers) => {
    expect(folder[shell](line)).toEqual(offers);
  });

  it('models of the zoo, and files', { timeout: 60_000 }, () => {
    const offers = folder[shell]('infless-pack ');
    expect(offers).toEqual(expect.arrayContaining(['inspect', 'verify', 'table.json', ...ZOO_NAMES]));
  });

  it('a value behind an equals sign', { timeout: 60_000 }, () => {
    const offers = folder[shell]('infless pack x --emit=k');
    expect(offers.map((offer) => offer.replace('--emit=', ''))).toEqual(['kubernetes']);
  });
});
