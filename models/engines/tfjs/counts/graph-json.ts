import { z } from 'zod';

/** 64-bit numbers are strings. */
const number = z.union([z.number(), z.string()]).transform(Number);

const attributeSchema = z.looseObject({
  i: number.optional(),
  b: z.boolean().optional(),
  /** Base64. */
  s: z.string().optional(),
  list: z.looseObject({ i: z.array(number).optional() }).optional(),
  shape: z
    .looseObject({
      dim: z.array(z.looseObject({ size: number.optional() })).optional(),
      unknownRank: z.boolean().optional(),
    })
    .optional(),
  func: z.looseObject({ name: z.string() }).optional(),
});
export type Attribute = z.infer<typeof attributeSchema>;

const nodeSchema = z.looseObject({
  name: z.string(),
  op: z.string(),
  input: z.array(z.string()).default([]),
  attr: z.record(z.string(), attributeSchema).default({}),
});
export type GraphNode = z.infer<typeof nodeSchema>;

const functionSchema = z.looseObject({
  signature: z.looseObject({
    name: z.string(),
    inputArg: z.array(z.looseObject({ name: z.string() })).default([]),
    outputArg: z.array(z.looseObject({ name: z.string() })).default([]),
  }),
  nodeDef: z.array(nodeSchema).default([]),
  /** The tensor of each output argument. */
  ret: z.record(z.string(), z.string()).default({}),
});
export type GraphFunction = z.infer<typeof functionSchema>;

/** The parts of a TensorFlow graph's JSON that say how its tensors are computed. */
export const topologySchema = z.looseObject({
  node: z.array(nodeSchema).default([]),
  library: z.looseObject({ function: z.array(functionSchema).default([]) }).optional(),
});
export type Topology = z.infer<typeof topologySchema>;
