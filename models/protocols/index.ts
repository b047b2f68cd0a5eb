import { openInference } from './open-inference.ts';
import { openFaas } from './openfaas.ts';
import { decodeName, pathPattern, shortPath } from './path-template.ts';
import {
  type Call,
  type Headers,
  LATEST_VERSION,
  type Message,
  MODEL_VERSION,
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
export interface Route<C extends Call = Call> extends AskedModel {
  readonly protocol: Protocol;
  readonly call: C;
}

/** Undefined where the path names none. */
interface AskedModel {
  readonly model: string | undefined;
  readonly version: string | undefined;
}

/** Why a request asks for nothing that there is. */
export interface Refusal extends AskedModel {
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
  const path = pathOf(target);
  const protocol = protocolAt(path);
  let allow: string | undefined;
  let asked: AskedModel = { model: undefined, version: undefined };
  let sentence: string | undefined;
  for (const { row, pattern } of (protocol && ROUTES.get(protocol)) ?? []) {
    const match = pattern.exec(path);
    if (match === null) continue;
    const model = match[1] && decodeName(match[1]);
    const version = match[2] && decodeName(match[2]);
    const { call } = row;
    asked = { model, version };
    if (call === undefined) {
      sentence = row.refused;
      break;
    }
    if (method === row.method || (method === 'HEAD' && row.method === 'GET'))
      return { protocol: protocol!, call, model, version };
    allow = allow === undefined ? row.method : `${allow}, ${row.method}`;
  }
  if (allow === undefined) return { ...asked, protocol, refused: 404, sentence: sentence ?? nothingAt(path) };
  return { ...asked, protocol, refused: 405, sentence: `${path} takes ${allow}, not ${method}.`, allow };
}

function pathOf(target: string): string {
  const query = target.indexOf('?');
  return (query < 0 ? target : target.slice(0, query)) || '/';
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
  const refused = { protocol, refused: 404, model, version } as const;
  if (modelName !== undefined && model !== modelName) {
    return { ...refused, sentence: `Model "${model}" is not served here. This server has "${modelName}".` };
  }
  if (version !== undefined && version !== MODEL_VERSION && version !== LATEST_VERSION) {
    const remedy = `Ask for version ${MODEL_VERSION}, or leave the version out.`;
    return { ...refused, sentence: `Model "${model}" has no version ${version} here. ${remedy}` };
  }
  return route;
}

/** Whether a route runs the model; if not, {@link describe} has the answer. */
export function isPrediction(route: Route): route is Route<'predict'> {
  return route.call === 'predict';
}

/** Of a request's headers, those that tell what its body is, as its protocol has it. */
export function headersThatCount(
  { protocol }: Pick<Route, 'protocol'>,
  given: Readonly<Record<string, string | string[] | undefined>>,
): { readonly headers?: Headers } {
  const found = (protocol.requestHeaders ?? []).flatMap((name) => {
    const value = given[name];
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  return found.length === 0 ? {} : { headers: Object.fromEntries(found) };
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

const ROOTS = PROTOCOLS.map((protocol) => {
  const { root } = protocol;
  return { protocol, root, below: root === '/' ? undefined : `${root}/` };
});

/** Whose path it is; undefined where it is no one's. */
export function protocolAt(path: string): Protocol | undefined {
  for (const { protocol, root, below } of ROOTS) {
    if (path === root || (below !== undefined && path.startsWith(below))) return protocol;
  }
  return undefined;
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
