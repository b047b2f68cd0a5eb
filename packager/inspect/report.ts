import Table from 'cli-table3';
import { formatBytes, formatDuration } from '../../models/base/units.ts';
import { formatShape } from '../../models/manifest/feeds.ts';
import type { TensorSpec } from '../../models/manifest/manifest.ts';
import {
  bestConfig,
  carriedBy,
  fastestConfig,
  NO_SLO,
  perCore,
  tightestSloMs,
} from '../../profiles/best-config.ts';
import { formatConfig } from '../../profiles/config.ts';
import type { ProfileTable } from '../../profiles/table.ts';
import { ANNOTATION, OCI_ANNOTATION } from '../contents/annotations.ts';
import type { ImageFacts } from './image-facts.ts';

/** An image as a person reads it in a terminal. */
export function reportOf(facts: ImageFacts): string {
  const { model, annotations } = facts;
  return [
    `${facts.digest}  ${facts.platform}`,
    `Model    ${model.name}, ${model.format}, ${formatBytes(model.sizeBytes)}, ${model.digest}`,
    ...tensorLines('Inputs ', model.inputs),
    ...tensorLines('Outputs', model.outputs),
    ...profileLines(facts.profile),
    `Base     ${annotations[OCI_ANNOTATION.baseName] ?? ''} ${annotations[OCI_ANNOTATION.baseDigest] ?? ''}`,
    ...(annotations[ANNOTATION.accelerator] === undefined
      ? []
      : [`Runs on  ${annotations[ANNOTATION.accelerator]}, or the CPU without a share of a GPU`]),
    `Starts   ${facts.command.join(' ')} as user ${facts.user}`,
    `SBOM     ${facts.components} components`,
    layerTable(facts),
    '',
  ].join('\n');
}

function tensorLines(title: string, specs: readonly TensorSpec[]): string[] {
  return specs.map((spec, index) => {
    const heading = index === 0 ? title : ' '.repeat(title.length);
    return `${heading}  ${spec.name} ${spec.dtype} ${formatShape(spec)}`;
  });
}

function profileLines(table: ProfileTable | undefined): string[] {
  if (table === undefined) return ['Profile  none: execution times are learned while serving'];
  const { host, cells } = table;
  const fastest = fastestConfig(table, 99);
  const thriftiest = bestConfig(table, NO_SLO);
  return [
    `Profile  ${cells.length} configs, measured ${table.createdAt.slice(0, 10)} on ${host.cpuModel}, ${host.cpuCores} cores`,
    ...(fastest === undefined
      ? []
      : [
          `         fastest ${formatConfig(fastest)}: p99 ≤ ${formatDuration(tightestSloMs(table, fastest, 99))} can be kept`,
        ]),
    ...(thriftiest === undefined
      ? []
      : [
          `         thriftiest ${formatConfig(thriftiest)}: ${perCore(thriftiest, carriedBy(table, thriftiest, NO_SLO))!.toFixed(1)} requests per second and core`,
        ]),
  ];
}

function layerTable({ layers }: ImageFacts): string {
  const table = new Table({
    head: ['Layer', 'Size', 'Digest'],
    colAligns: ['left', 'right', 'left'],
    style: { head: [], border: [] },
  });
  for (const { title, sizeBytes, digest } of layers) {
    table.push([title, formatBytes(sizeBytes), digest.slice(0, 19)]);
  }
  const totalBytes = layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return `${table.toString()}\n${formatBytes(totalBytes)} in ${layers.length} layers`;
}
