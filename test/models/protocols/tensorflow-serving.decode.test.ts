import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InflessError } from '../../../models/base/errors.ts';
import type { ModelManifest, TensorSpec } from '../../../models/manifest/manifest.ts';
import { decodePredict } from './predict.ts';

function manifest(...inputs: TensorSpec[]): ModelManifest {
  return {
    name: 'm',
    format: 'onnx',
    digest: `sha256:${'0'.repeat(64)}`,
    sizeBytes: 0,
    inputs,
    outputs: inputs,
  };
}
function spec(
  name: string,
  dtype: TensorSpec['dtype'],
  shape: TensorSpec['shape'],
  batchAxis: number | null,
): TensorSpec {
  return { name, dtype, shape, batchAxis };
}

const pairs = manifest(spec('x', 'float32', [null, 2], 0));
const two = manifest(spec('a', 'int32', [null], 0), spec('b', 'float32', [null, 2], 0));
const texts = manifest(spec('text', 'string', [null], 0));
const recurrent = manifest(spec('x', 'float32', [null, 2], 0), spec('state', 'float32', [2, null, 1], 1));
const fixed = manifest(spec('x', 'float32', [1, 2], null), spec('rate', 'int64', [], null));

const decode = (body: string | Uint8Array, model: ModelManifest) =>
  decodePredict(Buffer.from(body as string), model);
const plain = (body: string, model: ModelManifest) => {
  const { feeds, rows, form } = decode(body, model);
  const tensors = Object.entries(feeds).map(([name, { shape, data }]) => [name, shape, [...data]]);
  return { rows, form, tensors };
};

describe('reading a predict body', () => {
  it.each([
    ['rows', '{"instances":[[1,2],[3,4]]}', 'row'],
    ['rows of named inputs', '{"instances":[{"x":[1,2]},{"x":[3,4]}]}', 'row'],
    ['a column', '{"inputs":[[1,2],[3,4]]}', 'column'],
    ['a named column', '{"inputs":{"x":[[1,2],[3,4]]}}', 'column'],
    ['white space anywhere', ' {\t"instances" :\r\n[ [ 1 , 2 ] , [3,4 ] ] } \n', 'row'],
    ['the signature of the model', '{"signature_name":"serving_default","instances":[[1,2],[3,4]]}', 'row'],
    [
      'keys it does not know',
      '{"extra":{"deep":[1,{"b":[null,true,"x"]}]},"instances":[[1,2],[3,4]],"y":-1e5}',
      'row',
    ],
    [
      'inputs that the model has not, in a column',
      '{"inputs":{"k":1.5,"x":[[1,2],[3,4]],"l":{"m":[]}}}',
      'column',
    ],
    ['a byte order mark', '\ufeff{"instances":[[1,2],[3,4]]}', 'row'],
    ['escaped keys', '{"\\u0069nstances":[{"\\u0078":[1,2]},{"x":[3,4]}]}', 'row'],
  ])('takes %s', (_, body, form) => {
    expect(plain(body, pairs)).toEqual({ rows: 2, form, tensors: [['x', [2, 2], [1, 2, 3, 4]]] });
  });

  it('takes several named inputs, in any order', () => {
    const tensors = [
      ['a', [2], [1, 2]],
      ['b', [2, 2], [1, 2, 3, 4]],
    ];
    const rows = '{"instances":[{"b":[1,2],"a":1},{"a":2,"b":[3,4]}]}';
    expect(plain(rows, two)).toEqual({ rows: 2, form: 'row', tensors });
    const columns = '{"inputs":{"a":[1,2],"b":[[1,2],[3,4]]}}';
    expect(plain(columns, two)).toEqual({ rows: 2, form: 'column', tensors });
  });

  it('takes texts, and bytes in base64', () => {
    const body = '{"instances":["a\\n\\"é",{"b64":"w6k="},"😀"]}';
    expect(plain(body, texts).tensors).toEqual([['text', [3], ['a\n"é', 'é', '😀']]]);
    expect(plain('{"inputs":{"b64":"w6k="}}', manifest(spec('t', 'string', [], null))).tensors).toEqual([
      ['t', [], ['é']],
    ]);
    const named = '{"instances":[{"text":{"b64":"w6k="}},{"text":"b"}]}';
    expect(plain(named, texts).tensors).toEqual([['text', [2], ['é', 'b']]]);
  });

  it('lets an input be called b64', () => {
    const model = manifest(spec('b64', 'string', [null], 0));
    expect(plain('{"instances":[{"b64":"w6k="}]}', model).tensors).toEqual([['b64', [1], ['w6k=']]]);
  });

  it('puts rows where the model has its batch axis', () => {
    const body = '{"instances":[{"x":[1,2],"state":[[5],[6]]},{"x":[3,4],"state":[[7],[8]]}]}';
    expect(plain(body, recurrent).tensors).toEqual([
      ['x', [2, 2], [1, 2, 3, 4]],
      ['state', [2, 2, 1], [5, 7, 6, 8]],
    ]);
  });

  it('takes an instance whole where the model cannot batch', () => {
    const tensors = [
      ['x', [1, 2], [1, 2]],
      ['rate', [], [16000n]],
    ];
    expect(plain('{"instances":[{"x":[[1,2]],"rate":16000}]}', fixed).tensors).toEqual(tensors);
    expect(plain('{"instances":[{"x":[1,2],"rate":16000}]}', fixed).tensors).toEqual(tensors);
    expect(plain('{"inputs":{"x":[[1,2]],"rate":16000}}', fixed).tensors).toEqual(tensors);
  });

  it('reads more rows than it made room for', () => {
    const rows = Array.from({ length: 1000 }, (_, row) => [row, -row]);
    const { feeds } = decode(JSON.stringify({ instances: rows }), pairs);
    expect([...feeds.x!.data]).toEqual(rows.flat().map((value) => value + 0));
  });

  it('reads a view into a larger buffer', () => {
    const whole = Buffer.from('garbage{"instances":[[1,2]]}garbage');
    expect(decodePredict(whole.subarray(7, -7), pairs).rows).toBe(1);
  });
});

describe('refusing a predict body', () => {
  it.each<[string, ModelManifest, RegExp]>([
    ['', pairs, /^Expected "\{" at byte 0, found the end$/],
    ['hello', pairs, /^Expected "\{" at byte 0, found `hello`$/],
    ['[1,2]', pairs, /^Expected "\{" at byte 0/],
    ['{"instances":[[1,2]]', pairs, /^Expected "\}" at byte 20, found the end$/],
    ['{"instances":[[1,2]', pairs, /^Expected "," or "\]" at byte 19, found the end$/],
    ['{"instances":[[1,2]]}}', pairs, /^Expected the end at byte 21, found `\}`$/],
    ['{"instances":[[1,2]]}\0', pairs, /^Expected the end at byte 21/],
    ['{"instances":[[1,2],]}', pairs, /^instances\[1\]/],
    ['{"instances":[[1,,2]]}', pairs, /^instances\[0\]\[1\]: Expected a number at byte 17, found `,2\]\]\}`/],
    ['{}', pairs, /^The request has neither "instances" nor "inputs"$/],
    ['{"instance":[[1,2]]}', pairs, /^The request has neither "instances" nor "inputs"$/],
    [
      '{"instances":[[1,2]],"inputs":[[1,2]]}',
      pairs,
      /^The request has more than one of "instances" and "inputs"$/,
    ],
    ['{"instances":[[1,2]],"instances":[[1,2]]}', pairs, /^The request has more than one/],
    ['{"instances":[]}', pairs, /^"instances" is empty$/],
    ['{"instances":{"x":[1,2]}}', pairs, /^Expected "\["/],
    ['{"instances":[[1,2],[3]]}', pairs, /^instances\[1\] has 1 values, the arrays beside it have 2$/],
    ['{"instances":[[1,2],[]]}', pairs, /^instances\[1\] has 0 values, the arrays beside it have 2$/],
    ['{"instances":[[1,2],3]}', pairs, /^instances\[1\] is not an array, the values beside it are$/],
    [
      '{"instances":[[1,2],[[3],4]]}',
      pairs,
      /^instances\[1\]\[0\] is an array, the values beside it are not$/,
    ],
    ['{"instances":[1,[2]]}', pairs, /^instances\[1\]: Expected a number at byte 16, found `\[2\]\]\}`$/],
    [
      '{"instances":[[1,null]]}',
      pairs,
      /^instances\[0\]\[1\]: Expected a number at byte 17, found `null\]\]\}`$/,
    ],
    ['{"instances":[[1,2,3]]}', pairs, /^Input "x" has shape \[1,3\], the model takes \[N,2\]$/],
    ['{"instances":[1,2]}', pairs, /^Input "x" has shape \[2\], the model takes \[N,2\]$/],
    ['{"instances":[{"x":[1,2]},[1,2]]}', pairs, /^instances\[1\] is not an object, instances\[0\] is$/],
    ['{"instances":[{"y":[1,2]}]}', pairs, /^Model m has no input "y"$/],
    ['{"instances":[{"x":[1,2],"x":[1,2]}]}', pairs, /^instances\[0\]\.x comes twice$/],
    ['{"instances":[{"a":1,"b":[1,2]},{"a":1}]}', two, /^instances\[1\] lacks input "b"$/],
    [
      '{"instances":[{"a":1,"b":[1,2]},{"a":1,"b":[1]}]}',
      two,
      /^instances\[1\]\.b has shape \[1\], that of instances\[0\] is \[2\]$/,
    ],
    ['{"instances":[[1,2]]}', two, /^Model m has 2 inputs, so they must be named$/],
    ['{"inputs":[1]}', two, /^Model m has 2 inputs, so they must be named$/],
    ['{"inputs":{"y":[[1,2]]}}', pairs, /^Model m has no input "y"$/],
    ['{"inputs":{"a":[1]}}', two, /^Input "b" of model m is missing$/],
    ['{"inputs":{"a":[1],"a":[1],"b":[[1,2]]}}', two, /^inputs\.a comes twice$/],
    ['{"inputs":{"a":[1,2],"b":[[1,2]]}}', two, /^Input "a" has 2 rows, but input "b" has 1$/],
    ['{"inputs":{"__proto__":[1]}}', two, /^Model m has no input "__proto__"$/],
    ['{"instances":[{"constructor":[1]}]}', pairs, /^Model m has no input "constructor"$/],
    [
      '{"instances":[{"x":[[1,2]],"rate":1},{"x":[[1,2]],"rate":1}]}',
      fixed,
      /takes one instance at a time, not 2$/,
    ],
    ['{"signature_name":"other","instances":[[1,2]]}', pairs, /^The model has no signature "other"$/],
    ['{"signature_name":5,"instances":[[1,2]]}', pairs, /^Expected a string/],
    ['{"instances":["a', texts, /end of a string/],
    ['{"instances":["a\n"]}', texts, /no control character in a string/],
    ['{"instances":["\\x"]}', texts, /broken escape or is not UTF-8/],
    ['{"instances":[{"b64":"***"}]}', texts, /is not base64$/],
    ['{"instances":[{"b64":"/w=="}]}', texts, /is not UTF-8 text$/],
    ['{"instances":[{"b64":"","c":1}]}', texts, /Expected "\}"/],
    ['{"instances":[["a"]]}', texts, /^Input "text" has shape \[1,1\], the model takes \[N\]$/],
  ])('%s', (body, model, message) => {
    expect(() => decode(body, model)).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', message: expect.stringMatching(message) }),
    );
  });

  it.each([
    ['instances', '{"instances":', '['],
    ['inputs', '{"inputs":', '['],
    ['a key nobody needs', '{"x":', '['],
    ['objects nobody needs', '{"x":', '{"a":'],
  ])('survives a million brackets in %s', (_, start, bracket) => {
    expect(() => decode(start + bracket.repeat(1_000_000), pairs)).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT' }),
    );
  });

  it('refuses text that is not UTF-8', () => {
    const body = Buffer.concat([Buffer.from('{"instances":["'), Buffer.of(0xff), Buffer.from('"]}')]);
    expect(() => decodePredict(body, texts)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  });

  it('never fails otherwise, whatever the bytes', () => {
    const models = [pairs, two, texts, recurrent, fixed];
    const pieces = fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"',
        '"instances"',
        '"inputs"',
        '"x"',
        '"a"',
        '"b"',
        '"text"',
        '{"b64":',
      ],
      ...[
        '1',
        '-',
        '0.5',
        '1e400',
        '1e',
        'NaN',
        '-Infinity',
        'true',
        'null',
        '"é"',
        '\\',
        ' ',
        '{"instances":[',
        '\0',
      ],
    );
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.array(pieces, { maxLength: 25 }).map((parts) => Buffer.from(parts.join(''))),
      fc.array(pieces, { maxLength: 12 }).map((parts) => Buffer.from(`{"instances":[${parts.join('')}]}`)),
      fc.json().map((text) => Buffer.from(`{"inputs":${text}}`)),
    );
    let accepted = 0;
    fc.assert(
      fc.property(body, fc.constantFrom(...models), (bytes, model) => {
        try {
          decodePredict(bytes, model);
          accepted += 1;
        } catch (error) {
          expect(error).toBeInstanceOf(InflessError);
          expect((error as InflessError).code).toBe('INVALID_INPUT');
        }
      }),
      { numRuns: 20_000, seed: 2 },
    );
    expect(accepted).toBeGreaterThan(0);
  });
});
