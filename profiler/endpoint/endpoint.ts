import { request } from 'undici';
import { z } from 'zod';
import { fillPath } from '../../models/protocols/path-template.ts';
import { tensorflowServing } from '../../models/protocols/tensorflow-serving.ts';
import type { Slo } from '../load/report.ts';
import { type DescribedTarget, parseTarget, type Target } from '../load/target.ts';

/** What the description of an endpoint may take; without it the search goes on. */
const TIMEOUT_MS = 5000;

/**
 * What a serving process of ours says of itself at `/_/ready`, as far as a profile table has a place for it.
 */
const readyReportSchema = z.object({
  model: z.string().min(1),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  maxBatch: z.number().int().min(1),
  cpuMillicores: z.number().int().min(1),
  threads: z.number().int().min(1),
  loadMs: z.number().nonnegative(),
  firstAnswerMs: z.number().nonnegative(),
});
export type ReadyReport = Readonly<z.infer<typeof readyReportSchema>>;

/** What the gateway of ours tells of a function. */
const functionSchema = z.object({ sloMs: z.number().positive(), percentile: z.number().gt(0).lt(100) });

/**
 * The single serving process behind this address; undefined where there may be several, or another program.
 */
export async function readInstance(url: URL): Promise<ReadyReport | undefined> {
  if (functionName(url) !== undefined) return undefined; // a gateway, which may ask any of the instances
  return readyReportSchema.safeParse(await getJson(new URL('/_/ready', url))).data;
}

/**
 * A serving process is asked for its model by name: its address alone would do, but not tell what to send.
 */
export function modelOf({ model }: ReadyReport, url: URL): DescribedTarget {
  const path = fillPath(tensorflowServing.paths.predict, { model });
  return parseTarget(new URL(path, url).href) as DescribedTarget;
}

/** The SLO that the function was declared with; undefined where no one tells. */
export async function readSlo({ url, model }: Target): Promise<Slo | undefined> {
  const name = functionName(url) ?? model;
  if (name === undefined) return undefined;
  const status = functionSchema.safeParse(await getJson(new URL(`/api/functions/${name}`, url))).data;
  return status === undefined ? undefined : { ms: status.sloMs, percentile: status.percentile };
}

/** `NAME` of `/function/NAME[.NAMESPACE]`. */
function functionName(url: URL): string | undefined {
  return /\/function\/([^/.]+)/.exec(url.pathname)?.[1];
}

/** Undefined for whatever is no JSON of status 200: not every endpoint is one of ours. */
async function getJson(url: URL): Promise<unknown> {
  try {
    const { statusCode, body } = await request(url, {
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    });
    const text = await body.text();
    return statusCode === 200 ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}
