import { ProfileView } from '../../../profiles/lookup.ts';
import type { ProfileTable } from '../../../profiles/table.ts';
import type { ServerSettings } from '../settings.ts';
import type { ExecutionEstimate } from './execution-estimate.ts';

/** A process that runs alone has no percentile of its own; it keeps to the usual one. */
const QUANTILE = 0.99;

/** What the table says of a batch under our quota, with decoding and encoding, for requests of one row. */
export function profileEstimate(table: ProfileTable, settings: ServerSettings): ExecutionEstimate {
  const view = new ProfileView(table);
  const config = {
    batch: settings.maxBatch,
    cpuMillicores: settings.cpuMillicores,
    gpuPercent: settings.gpuPercent,
  };
  const { decode, encode } = view.codecMs(config);
  return (requests) => view.executionMs(config, requests, QUANTILE) + requests * (decode + encode);
}
