import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { autoscalerProgram } from '../../../autoscaler/program.ts';
import { cutCommandLine } from '../../../models/base/command-line/read-options.ts';
import { packageRoot, packageVersion } from '../../../models/base/package.ts';
import {
  chartsUnrenderable,
  type KubernetesObject,
  objectsOf,
  renderChart,
} from '../../support/helm-template/render-chart.ts';

const DEPLOY = join(packageRoot, 'autoscaler/deploy');
const BASE = join(DEPLOY, 'base');
const CHART = join(DEPLOY, 'chart');

let base: readonly KubernetesObject[];

beforeAll(async () => {
  const { resources } = parse(await readFile(join(BASE, 'kustomization.yaml'), 'utf8'));
  const texts = await Promise.all((resources as string[]).map((file) => readFile(join(BASE, file), 'utf8')));
  base = texts.flatMap(objectsOf);
});

function only(objects: readonly KubernetesObject[], kind: string): KubernetesObject {
  const found = objects.filter((object) => object.kind === kind);
  expect(found.map(({ metadata }) => metadata.name)).toHaveLength(1);
  return found[0]!;
}

function podOf(objects: readonly KubernetesObject[]): KubernetesObject['spec'] {
  return only(objects, 'Deployment').spec.template.spec;
}

/** What two ways to install have in common; names and labels are each one's own. */
function essence(objects: readonly KubernetesObject[]): object {
  const { image: _, ...container } = podOf(objects).containers[0];
  return {
    rules: only(objects, 'Role').rules,
    clusterRules: only(objects, 'ClusterRole').rules,
    replicas: only(objects, 'Deployment').spec.replicas,
    podSecurity: podOf(objects).securityContext,
    container,
    ports: only(objects, 'Service').spec.ports,
    minAvailable: only(objects, 'PodDisruptionBudget').spec.minAvailable,
    shielded: objects.filter(({ kind }) => kind === 'NetworkPolicy').map(({ spec }) => spec.policyTypes),
  };
}

describe('the kustomize base', () => {
  it('runs the autoscaler without rights on its node', () => {
    const pod = podOf(base);
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    for (const container of pod.containers) {
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
    expect(pod).not.toHaveProperty('hostNetwork');
    expect(pod.volumes.some((volume: object) => 'hostPath' in volume)).toBe(false);
  });

  it('starts it with arguments that it knows', () => {
    const args = podOf(base).containers[0].args as string[];
    const { given } = cutCommandLine(autoscalerProgram, args, 'infless-autoscaler');
    expect([...given.values()].flat().length).toBe(args.length);
  });

  it('asks for no right by wildcard, and for none on other namespaces but to look', () => {
    const rules = base.flatMap(({ rules = [] }) => rules as Rule[]);
    expect(rules.length).toBeGreaterThan(0);
    for (const { apiGroups, resources, verbs } of rules)
      expect([...apiGroups, ...resources, ...verbs]).not.toContain('*');
    const verbs = only(base, 'ClusterRole').rules.flatMap((rule: Rule) => rule.verbs);
    expect(new Set(verbs)).toEqual(new Set(['list', 'watch']));
  });

  it('selects its own pods everywhere', () => {
    const labels = only(base, 'Deployment').spec.template.metadata.labels;
    const selectors = [
      only(base, 'Deployment').spec.selector.matchLabels,
      only(base, 'Service').spec.selector,
      only(base, 'PodDisruptionBudget').spec.selector.matchLabels,
    ];
    for (const selector of selectors) expect(labels).toMatchObject(selector);
  });

  it('names the image by the version it is of', async () => {
    const { images } = parse(await readFile(join(BASE, 'kustomization.yaml'), 'utf8'));
    expect(images).toEqual([{ name: podOf(base).containers[0].image, newTag: packageVersion }]);
  });
});

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

describe('the chart', () => {
  it('has the same kinds of functions as the base', async () => {
    const [ofChart, ofBase] = await Promise.all(
      [join(CHART, 'crds'), BASE].map((folder) => readFile(join(folder, 'crd.yaml'), 'utf8')),
    );
    expect(ofChart).toBe(ofBase);
  });

  it('is of the version it installs', async () => {
    const about = parse(await readFile(join(CHART, 'Chart.yaml'), 'utf8'));
    expect(about).toMatchObject({ version: packageVersion, appVersion: packageVersion });
  });

  describe.skipIf(chartsUnrenderable() !== undefined)(`rendered (${chartsUnrenderable() ?? 'here'})`, () => {
    it('installs what the base does', { timeout: 120_000 }, async () => {
      const rendered = await renderChart(CHART, {});
      expect(essence(rendered)).toEqual(essence(base));
      expect(podOf(rendered).containers[0].image).toBe(`infless-autoscaler:${packageVersion}`);
      const { data } = only(rendered, 'Secret');
      expect(Buffer.from(data['basic-auth-password'], 'base64').toString()).toMatch(/^[A-Za-z0-9]{32}$/);
    });

    it('follows its values', { timeout: 120_000 }, async () => {
      const rendered = await renderChart(CHART, {
        image: { repository: 'registry.example/x', digest: `sha256:${'0'.repeat(64)}` },
        replicas: 3,
        extraArgs: ['--log-level=debug'],
        nodeSelector: { disk: 'fast' },
        basicAuth: { existingSecret: 'mine' },
        manageSecrets: false,
        networkPolicy: { enabled: false },
        podDisruptionBudget: { enabled: false },
        serviceMonitor: { enabled: true },
        imagePullSecrets: [{ name: 'pull' }],
      });
      const kinds = rendered.map(({ kind }) => kind);
      expect(kinds).toContain('ServiceMonitor');
      for (const left of ['Secret', 'NetworkPolicy', 'PodDisruptionBudget'])
        expect(kinds).not.toContain(left);
      const pod = podOf(rendered);
      expect(pod.containers[0].image).toBe(`registry.example/x@sha256:${'0'.repeat(64)}`);
      expect(pod.containers[0].args).toContain('--log-level=debug');
      expect(pod.nodeSelector).toEqual({ disk: 'fast' });
      expect(pod.volumes).toContainEqual({ name: 'basic-auth', secret: { secretName: 'mine' } });
      expect(only(rendered, 'Deployment').spec.replicas).toBe(3);
      expect(only(rendered, 'ServiceAccount').imagePullSecrets).toEqual([{ name: 'pull' }]);
      const resources = only(rendered, 'Role').rules.flatMap((rule: Rule) => rule.resources);
      expect(resources).not.toContain('secrets');
    });
  });
});
