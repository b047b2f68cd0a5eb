import { openInference } from './open-inference.ts';
import { openFaas } from './openfaas.ts';
import { decodeName, pathPattern, shortPath } from './path-template.ts';
import {
  type Call,
  type Message,
  MODEL_VERSION,
  type ModelAddress,
  type ModelCall,
  type Protocol,
  type ServedModel,
  type ServerCall,
} from './protocol.ts';
import { tensorflowServing } from './tensorflow-serving.ts';

/** Every wire protocol that is spoken. A new one is a file beside these and a line here. */
export const PROTOCOLS: readonly Protocol[] = [tensorflowServing, openInference, openFaas];

/** What callers speak that say nothing else: they post to a function. */
export const DEFAULT_PROTOCOL: Protocol = openFaas;

/** What a request asks for, as its method and path tell. */
export interface Route<C extends Call = Call> extends Partial<ModelAddress> {
  readonly protocol: Protocol;
  readonly call: C;
}

/** Why a request asks for nothing that there is. */
export interface Refusal extends Partial<ModelAddress> {
  /** Whose path it is, where it is anybody's. */
  readonly protocol: Protocol | undefined;
  readonly refused: 404 | 405;
  readonly sentence: string;
  /** The methods that this path takes. */
  readonly allow?: string;
}

const ROUTES = new Map(
  PROTOCOLS.map((protocol) => [
    protocol,
    protocol.routes.map((row) => ({ row, pattern: pathPattern(row.path) })),
  ]),
);

/** @param target path of a request, with or without its query */
export function routeOf(method: string, target: string): Route | Refusal {
  const path = target.split('?', 1)[0] || '/';
  const protocol = protocolAt(path);
  const nothing = (): Refusal => ({ protocol, refused: 404, sentence: nothingAt(path) });
  if (protocol === undefined) return nothing();
  let refusal: Refusal | undefined;
  for (const { row, pattern } of ROUTES.get(protocol)!) {
    const match = pattern.exec(path);
    if (match === null) continue;
    const address = addressIn(match);
    if (row.call === undefined) {
      const { refused: sentence } = row;
      return refusal ?? { ...nothing(), ...address, ...(sentence === undefined ? {} : { sentence }) };
    }
    const { call, method: taken } = row;
    if (method === taken || (method === 'HEAD' && taken === 'GET')) return { ...address, protocol, call };
    const allow = refusal === undefined ? taken : `${refusal.allow}, ${taken}`;
    const sentence = `${path} takes ${allow}, not ${method}.`;
    refusal = { ...address, protocol, refused: 405, sentence, allow };
  }
  return refusal ?? nothing();
}

/** The same where one model is served; see {@link forModel}. */
export function routeTo(modelName: string | undefined, method: string, target: string): Route | Refusal {
  return forModel(modelName, routeOf(method, target));
}

/**
 * Refuses a route to another model than the one that is served, and to a version that it does not have.
 *
 * @param modelName undefined while it is not known yet: then any is taken for it
 */
export function forModel(modelName: string | undefined, route: Route | Refusal): Route | Refusal {
  const { protocol, model, version } = route;
  if (model === undefined) return route;
  const refused = { protocol, refused: 404, model } as const;
  if (modelName !== undefined && model !== modelName) {
    return { ...refused, sentence: `Model "${model}" is not served here. This server has "${modelName}".` };
  }
  if (version !== undefined && version !== MODEL_VERSION) {
    const remedy = `Ask for version ${MODEL_VERSION}, or leave the version out.`;
    return { ...refused, sentence: `Model "${model}" has no version ${version} here. ${remedy}` };
  }
  return route;
}

/** Whether a route runs the model; if not, {@link describe} has the answer. */
export function isPrediction(route: Route): route is Route<'predict'> {
  return route.call === 'predict';
}

/**
 * Answers what asks for no prediction.
 *
 * @param models the one that is asked for, where the call is about one; else all
 * @throws InflessError UNAVAILABLE where that is not known yet
 */
export function describe(route: Route, models: readonly ServedModel[]): Message {
  const { descriptions } = route.protocol;
  if (isModelCall(route.call)) return descriptions[route.call]!(models[0]!);
  return descriptions[route.call as ServerCall]!(models);
}

function isModelCall(call: Call): call is ModelCall {
  return call === 'metadata' || call === 'status' || call === 'ready';
}

/** The paths that protocols share among them, as fastify writes them. */
export const PROTOCOL_URLS: readonly string[] = PROTOCOLS.flatMap(({ root }) =>
  root === '/' ? [root] : [root, `${root}/*`],
);

/** Whose path it is; undefined where it is nobody's. */
export function protocolAt(path: string): Protocol | undefined {
  return PROTOCOLS.find(({ root }) => path === root || (root !== '/' && path.startsWith(`${root}/`)));
}

/**
 * What to say where there is nothing.
 *
 * @param elsewhere where else predictions go
 */
export function nothingAt(path: string, ...elsewhere: string[]): string {
  const calls = PROTOCOLS.filter(({ paths }) => paths.predict.includes('NAME')).map(
    ({ paths }) => `POST ${shortPath(paths.predict)}`,
  );
  return `There is nothing at ${path}; predictions go to ${[...elsewhere, ...calls].join(' or ')}.`;
}

function addressIn({ groups }: RegExpExecArray): Partial<ModelAddress> {
  if (groups?.model === undefined) return {};
  const { model, version } = groups;
  return { model: decodeName(model), version: version === undefined ? undefined : decodeName(version) };
}
