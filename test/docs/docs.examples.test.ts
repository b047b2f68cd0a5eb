import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseFunctionSpec } from '../../autoscaler/functions/spec.ts';
import { inferenceFunctionSpecSchema } from '../../autoscaler/operator/inference-function.ts';
import { clusterSchema } from '../../autoscaler/what-if/inputs/cluster-file.ts';
import { pages, readPage } from './pages.ts';

/** What the YAML of a page is, by what it holds. */
type Example =
  | { readonly kind: 'function'; readonly declared: unknown }
  | { readonly kind: 'object'; readonly spec: unknown }
  | { readonly kind: 'cluster'; readonly cluster: unknown }
  | { readonly kind: 'other' };

function examplesOf(path: string): Example[] {
  const page = readPage(path);
  const blocks = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text]) => text!);
  const inShell = [...page.matchAll(/<<EOF\n(.*?)^EOF/gms)].map(([, text]) => text!);
  return [...blocks, ...inShell].flatMap((text) => classify(parse(text)));
}

function classify(document: unknown): Example[] {
  if (Array.isArray(document)) return document.map((declared) => ({ kind: 'function', declared }));
  const { functions, kind, spec, nodes } = document as Record<string, unknown>;
  if (Array.isArray(functions)) return classify(functions);
  if (kind === 'InferenceFunction') return [{ kind: 'object', spec }];
  return [nodes === undefined ? { kind: 'other' } : { kind: 'cluster', cluster: document }];
}

const examples = pages().flatMap((path) => examplesOf(path).map((example) => ({ path, example })));

it('there are examples of all kinds', () => {
  const kinds = examples.map(({ example }) => example.kind);
  expect(new Set(kinds)).toEqual(new Set(['function', 'object', 'cluster', 'other']));
  expect(kinds.filter((kind) => kind === 'function').length).toBeGreaterThan(5);
});

it.each(examples)('what $path declares is valid: $example.kind', ({ path, example }) => {
  if (example.kind === 'function') parseFunctionSpec(example.declared, path);
  if (example.kind === 'object') inferenceFunctionSpecSchema.parse(example.spec);
  if (example.kind === 'cluster') clusterSchema.parse(example.cluster);
});
