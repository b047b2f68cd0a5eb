import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { variableRefusal } from '../../../autoscaler/functions/environment.ts';
import { FunctionStore } from '../../../autoscaler/functions/function-store.ts';
import { readFunctionsFile } from '../../../autoscaler/functions/functions-file.ts';
import { type FunctionDeclaration, parseFunctionSpec } from '../../../autoscaler/functions/spec.ts';
import { localImage } from '../../../autoscaler/gateway/image-reading.ts';
import {
  declarationOf as declarationOfDeployment,
  functionDeploymentSchema,
} from '../../../autoscaler/gateway/openfaas/deployment.ts';
import { declarationOf as declarationOfObject } from '../../../autoscaler/operator/conversion.ts';
import { SERVER_ENVIRONMENT } from '../../../packager/server/instance-protocol.ts';

const REFUSED = [
  'NODE_OPTIONS',
  'NODE_PATH',
  'NODE_EXTRA_CA_CERTS',
  'NODE_',
  'LD_PRELOAD',
  'LD_LIBRARY_PATH',
  'LD_AUDIT',
  'DYLD_INSERT_LIBRARIES',
  'PATH',
  'OPENSSL_CONF',
  'GCONV_PATH',
  'INFLESS_MODEL',
  'INFLESS_PORT',
  'INFLESS_CACHE_DIR',
  'INFLESS_WHATEVER_COMES',
  'node_options', // the same variable on Windows
  'Path',
  'NODE_OPTIONS=--import=data:text/javascript,0', // would be set by a name alone
  'PATH=/elsewhere:',
  'A=B',
  '',
  'A\0NODE_OPTIONS',
];
const ALLOWED = [
  'INFLESS_QUEUE_LIMIT',
  'INFLESS_MAX_BODY_BYTES',
  'COLOUR',
  'LOG_LEVEL',
  'fprocess',
  'TF_NUM_INTRAOP_THREADS',
  'CUDA_VISIBLE_DEVICES',
  'OMP_NUM_THREADS',
  'NODENAME',
  'MY_NODE_OPTIONS',
  'LDAP_URL',
  'PATHS',
  'MODEL_BASE_PATH',
  'OPENSSL_CONF_NOT',
];

describe('a variable of a function', () => {
  const text = fc.string({ unit: fc.constantFrom('A', 'z', '_', '=', '\0', '\n', ' ', '.', '9', 'ı') });

  it.each(REFUSED)('may not be %j', (name) => {
    expect(variableRefusal(name)).toBeDefined();
  });

  it.each(ALLOWED)('may be %s', (name) => {
    expect(variableRefusal(name)).toBeUndefined();
  });

  it('may not be a setting of the serving process but for those that bound what it holds', () => {
    const allowed = Object.values(SERVER_ENVIRONMENT).filter((name) => variableRefusal(name) === undefined);
    expect(allowed).toEqual([
      SERVER_ENVIRONMENT.queueLimit,
      SERVER_ENVIRONMENT.maxBodyBytes,
      SERVER_ENVIRONMENT.maxRows,
      SERVER_ENVIRONMENT.maxAnswerBytes,
    ]);
  });

  it('may not be one of a refused kind, however it goes on and whatever its case', () => {
    const kind = fc.constantFrom(
      'NODE_',
      'LD_',
      'DYLD_',
      'INFLESS_',
      'PATH=',
      'OPENSSL_CONF=',
      'GCONV_PATH=',
    );
    fc.assert(
      fc.property(kind, text, fc.boolean(), (prefix, rest, isLower) => {
        const owner = new Set([
          'INFLESS_QUEUE_LIMIT',
          'INFLESS_MAX_BODY_BYTES',
          'INFLESS_MAX_ROWS',
          'INFLESS_MAX_ANSWER_BYTES',
        ]);
        fc.pre(!owner.has((prefix + rest).toUpperCase()));
        expect(variableRefusal((isLower ? prefix.toLowerCase() : prefix) + rest)).toBeDefined();
      }),
    );
  });

  it('is set as it is named and in no other way, where it may be', () => {
    fc.assert(
      fc.property(text, (name) => {
        if (variableRefusal(name) !== undefined) return;
        expect(`${name}=value`.split('=', 1)).toEqual([name]); // as the system reads an environment
      }),
    );
  });
});

/** The ways to declare a function, with one variable in its environment, down to where all are the same. */
const WAYS: Readonly<Record<string, (name: string) => Promise<FunctionDeclaration>>> = {
  'by REST': async (name) => ({ name: 'f', model: 'mnist', slo: '200ms', environment: { [name]: 'x' } }),
  'by faas-cli': async (name) =>
    declarationOfDeployment(
      functionDeploymentSchema.parse({ service: 'f', image: 'mnist', envVars: { [name]: 'x' } }),
      localImage,
    ),
  'as an object of a cluster': async (name) =>
    declarationOfObject({
      metadata: { name: 'f' },
      spec: { image: 'registry.example/f:1', slo: { latency: '200ms' }, env: [{ name, value: 'x' }] },
    }),
};

async function functionsFile(environment: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'infless-environment-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'functions.yaml');
  await writeFile(
    file,
    JSON.stringify({ functions: [{ name: 'f', model: 'mnist', slo: '200ms', environment }] }),
  );
  return file;
}

describe.each(Object.entries(WAYS))('a function that is declared %s', (_, declarationWith) => {
  it.each(REFUSED)('is refused with the variable %j', async (name) => {
    const declaration = await declarationWith(name);
    expect(() => parseFunctionSpec(declaration, 'The function')).toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        message: `The function is not valid at "environment.${name}": ${variableRefusal(name)}`,
      }),
    );
  });

  it.each(ALLOWED)('keeps the variable %s', async (name) => {
    const { environment } = parseFunctionSpec(await declarationWith(name), 'it');
    expect(environment).toEqual({ [name]: 'x' });
  });
});

describe('a functions file', () => {
  it.each(REFUSED)('is refused with the variable %j', async (name) => {
    const file = await functionsFile({ [name]: 'x' });
    await expect(readFunctionsFile(file)).rejects.toThrow(
      `at "environment.${name}": ${variableRefusal(name)}`,
    );
  });

  it('keeps all others', async () => {
    const environment = Object.fromEntries(ALLOWED.map((name) => [name, 'x']));
    expect(await readFunctionsFile(await functionsFile(environment))).toMatchObject([{ environment }]);
  });
});

it('was stored before there was a rule: the state is not damaged', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'infless-environment-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const functions = [
    {
      origin: 'rest' as const,
      declaration: { name: 'f', model: 'mnist', slo: '1s', environment: { NODE_OPTIONS: '--version' } },
    },
  ];
  await new FunctionStore(folder).save(functions);
  expect(await new FunctionStore(folder).load()).toEqual(functions);
  const damaged = JSON.stringify({
    schema: 'infless.io/functions/v1',
    functions: [{ origin: 'rest', declaration: {} }],
  });
  await writeFile(join(folder, 'functions.json'), damaged);
  await expect(new FunctionStore(folder).load()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
});
