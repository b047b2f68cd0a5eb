import { InflessError } from '../../models/base/errors.ts';
import { HttpError } from './http/http-error.ts';

/** An image holds one version of one model; TF Serving's clients know it by this number. */
export const MODEL_VERSION = '1';

export type ModelCall = 'predict' | 'status' | 'metadata';

const METHOD_OF: Readonly<Record<ModelCall, string>> = { predict: 'POST', status: 'GET', metadata: 'GET' };

/** `/v1/models/NAME[/versions/VERSION][/metadata][:VERB]` */
const MODEL_PATH = /^\/v1\/models\/([^/:]+)(?:\/versions\/([^/:]+))?(\/metadata)?(?::([a-z]+))?\/?$/;

/**
 * What a request asks of the model. `/` is a prediction of the only model there is, as OpenFaaS' callers send
 * it; the rest is TF Serving's REST interface.
 *
 * @param target path of the request, with or without its query
 * @param modelName the name we serve; undefined while it is not known yet, then any name is taken
 * @throws HttpError 404, 405; InflessError MODEL_NOT_FOUND
 */
export function modelCall(method: string, target: string, modelName: string | undefined): ModelCall {
  const path = target.split('?', 1)[0]!;
  const call = path === '' || path === '/' ? 'predict' : callOf(path, modelName);
  const allowed = METHOD_OF[call];
  if (method !== allowed && !(method === 'HEAD' && allowed === 'GET')) {
    throw new HttpError(405, `${path || '/'} takes ${allowed}, not ${method}.`, { allow: allowed });
  }
  return call;
}

function callOf(path: string, modelName: string | undefined): ModelCall {
  const match = MODEL_PATH.exec(path);
  if (match === null) throw noSuchPath(path);
  const [, name, version, metadata, verb] = match;
  const asked = decode(name!);
  if (modelName !== undefined && asked !== modelName) {
    throw new InflessError('MODEL_NOT_FOUND', `Model "${asked}" is not served here`, {
      remedy: `This server has "${modelName}".`,
    });
  }
  if (version !== undefined && version !== MODEL_VERSION) {
    throw new InflessError('MODEL_NOT_FOUND', `Model "${asked}" has no version ${version} here`, {
      remedy: `Ask for version ${MODEL_VERSION}, or leave the version out.`,
    });
  }
  if (metadata !== undefined && verb === undefined) return 'metadata';
  if (metadata !== undefined || (verb !== undefined && verb !== 'predict')) throw noSuchPath(path);
  return verb === undefined ? 'status' : 'predict';
}

export function noSuchPath(path: string): HttpError {
  return new HttpError(404, `There is nothing at ${path}; predictions go to POST /v1/models/NAME:predict.`);
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name; // not valid percent-encoding: then it is no name of ours, and the message shows it as sent
  }
}
