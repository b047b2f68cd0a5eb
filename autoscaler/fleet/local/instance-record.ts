import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  ensureDirectory,
  readTextIfPresent,
  removeUnfinished,
  writeFileSafely,
} from '../../../models/base/files.ts';
import { configSchema } from '../../../profiles/config.ts';
import { processIdentitySchema } from './process-identity.ts';

/** What the next autoscaler must know of an instance to adopt it. */
const instanceRecordSchema = z.object({
  schema: z.literal('infless.io/local-instance/v1'),
  id: z.string(),
  functionName: z.string(),
  version: z.string(),
  config: configSchema,
  node: z.string(),
  /** Where it has a share of one: which, and what it is planned to need of its memory. */
  gpu: z.object({ uuid: z.string(), memoryBytes: z.number().optional() }).optional(),
  process: processIdentitySchema,
  quotaName: z.string(),
  /** Null until it listens. */
  port: z.number().int().positive().nullable(),
  startedAtMs: z.number(),
  readyAtMs: z.number().nullable(),
});
export type InstanceRecord = Readonly<z.infer<typeof instanceRecordSchema>>;

/** One file an instance, `<id>.json`. */
export class InstanceRecords {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async save(record: InstanceRecord): Promise<void> {
    await writeFileSafely(this.#file(record.id), `${JSON.stringify(record, undefined, 2)}\n`);
  }

  async remove(id: string): Promise<void> {
    await rm(this.#file(id), { force: true });
  }

  /**
   * All of them; for who has the folder alone. One that cannot be read is deleted: its process is then found
   * through its quota.
   */
  async load(): Promise<InstanceRecord[]> {
    await ensureDirectory(this.#directory, 'Choose a state folder that can be written.');
    await removeUnfinished(this.#directory);
    const ids = (await readdir(this.#directory))
      .filter((file) => file.endsWith('.json'))
      .map((file) => file.slice(0, -'.json'.length));
    const records = await Promise.all(ids.map((id) => this.#read(id)));
    return records.filter((record) => record !== undefined);
  }

  async #read(id: string): Promise<InstanceRecord | undefined> {
    try {
      const record = instanceRecordSchema.parse(JSON.parse((await readTextIfPresent(this.#file(id))) ?? ''));
      if (record.id === id) return record;
    } catch {
      // falls through: whatever is wrong with it, nothing can be adopted from it
    }
    await this.remove(id);
    return undefined;
  }

  #file(id: string): string {
    return join(this.#directory, `${id}.json`);
  }
}
