import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { InflessError } from '../../models/base/errors.ts';
import { knownAmount, knownBytes, knownText } from './smi-values.ts';

/** What `nvidia-smi -q -x` tells. Null is what a driver or a card does not tell, in whatever words. */
export interface SmiReport {
  readonly driverVersion: string | null;
  readonly cudaVersion: string | null;
  readonly gpus: readonly SmiGpu[];
}

export interface SmiGpu {
  readonly model: string;
  readonly uuid: string | null;
  readonly architecture: string | null;
  readonly memoryBytes: number | null;
  /** `Default`, `Exclusive_Process`, `Prohibited`: who may compute on it. */
  readonly computeMode: string | null;
  readonly usedMemoryBytes: number | null;
  readonly utilizationPercent: number | null;
  readonly powerWatts: number | null;
  readonly powerLimitWatts: number | null;
  /** Whether it is partitioned; null on a card that cannot be. */
  readonly migEnabled: boolean | null;
  readonly migDevices: readonly SmiMigDevice[];
}

export interface SmiMigDevice {
  readonly index: number;
  readonly memoryBytes: number | null;
  readonly usedMemoryBytes: number | null;
  readonly multiprocessors: number | null;
}

const MOST_QUOTED = 160;

const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  isArray: (name) => name === 'gpu' || name === 'mig_device',
});

/**
 * Reads the XML of `nvidia-smi -q -x`, of any driver: elements come and go and change their names between
 * versions, so nothing but the model's name is required.
 *
 * @throws InflessError PLATFORM_FAILED where it is no such XML
 */
export function parseSmiXml(xml: string): SmiReport {
  const log = XMLValidator.validate(xml) === true ? childOf(parser.parse(xml), 'nvidia_smi_log') : undefined;
  if (log === undefined) {
    throw new InflessError(
      'PLATFORM_FAILED',
      `nvidia-smi -q -x answered with something else than its XML${quoted(xml)}`,
      { remedy: 'Look at what it prints, and at whether driver and tool are of one version.' },
    );
  }
  return {
    driverVersion: textOf(log, 'driver_version'),
    cudaVersion: textOf(log, 'cuda_version'),
    gpus: listOf(log, 'gpu').map(readGpu),
  };
}

/** A card that has fallen off the bus is told in a sentence, with exit code 0. */
function quoted(text: string): string {
  const line = text.trim().split('\n')[0]!.slice(0, MOST_QUOTED);
  return line === '' ? '' : ` ("${line}")`;
}

function readGpu(gpu: unknown): SmiGpu {
  const memory = childOf(gpu, 'fb_memory_usage');
  // Called power_readings until driver 530; one draw became an average and an instant one with 560.
  const power = childOf(gpu, 'gpu_power_readings') ?? childOf(gpu, 'power_readings');
  const mig = textOf(childOf(gpu, 'mig_mode'), 'current_mig');
  return {
    model: textOf(gpu, 'product_name') ?? 'unknown',
    uuid: textOf(gpu, 'uuid'),
    architecture: textOf(gpu, 'product_architecture'),
    memoryBytes: bytesOf(memory, 'total'),
    computeMode: textOf(gpu, 'compute_mode'),
    usedMemoryBytes: bytesOf(memory, 'used'),
    utilizationPercent: amountOf(childOf(gpu, 'utilization'), 'gpu_util', '%'),
    powerWatts:
      amountOf(power, 'power_draw', 'W') ??
      amountOf(power, 'average_power_draw', 'W') ??
      amountOf(power, 'instant_power_draw', 'W'),
    powerLimitWatts: amountOf(power, 'current_power_limit', 'W') ?? amountOf(power, 'power_limit', 'W'),
    migEnabled: mig === null ? null : mig === 'Enabled',
    migDevices: listOf(childOf(gpu, 'mig_devices'), 'mig_device').map(readMigDevice),
  };
}

function readMigDevice(device: unknown, position: number): SmiMigDevice {
  // the former since 590
  const memory = childOf(device, 'shared_fb_memory_usage') ?? childOf(device, 'fb_memory_usage');
  const attributes = childOf(childOf(device, 'device_attributes'), 'shared');
  return {
    index: amountOf(device, 'index', '') ?? position,
    memoryBytes: bytesOf(memory, 'total'),
    usedMemoryBytes: bytesOf(memory, 'used'),
    multiprocessors: amountOf(attributes, 'multiprocessor_count', ''),
  };
}

function childOf(element: unknown, name: string): unknown {
  if (typeof element !== 'object' || element === null) return undefined;
  return (element as Record<string, unknown>)[name];
}

function listOf(element: unknown, name: string): readonly unknown[] {
  const list = childOf(element, name);
  return Array.isArray(list) ? list : [];
}

function textOf(element: unknown, name: string): string | null {
  const text = childOf(element, name);
  return typeof text === 'string' ? knownText(text) : null;
}

function amountOf(element: unknown, name: string, unit: string): number | null {
  return knownAmount(textOf(element, name) ?? undefined, unit);
}

function bytesOf(element: unknown, name: string): number | null {
  return knownBytes(textOf(element, name) ?? undefined);
}
