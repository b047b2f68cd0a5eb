import type { ContainerConfig } from '../oci/schema.ts';

/**
 * The Dockerfile of an image whose layers lie beside it as archives. Everything is said in JSON form or
 * quoted: no shell is in the image that could read it otherwise.
 *
 * @param archives the layers above the base, lowest first
 * @param base the name of an image, or `scratch`
 */
export function dockerfileOf(config: ContainerConfig, archives: readonly string[], base: string): string {
  const lines = [
    `FROM ${base}`,
    ...archives.map((archive) => `ADD ${archive} /`),
    ...(config.Env ?? []).map((assignment) => `ENV ${pair(splitOnce(assignment))}`),
    ...Object.entries(config.Labels ?? {}).map((label) => `LABEL ${pair(label)}`),
    ...Object.keys(config.ExposedPorts ?? {}).map((port) => `EXPOSE ${port}`),
    ...(config.WorkingDir ? [`WORKDIR ${config.WorkingDir}`] : []),
    ...(config.User ? [`USER ${config.User}`] : []),
    ...(config.Entrypoint ? [`ENTRYPOINT ${JSON.stringify(config.Entrypoint)}`] : []),
    ...(config.Cmd ? [`CMD ${JSON.stringify(config.Cmd)}`] : []),
    ...(config.StopSignal ? [`STOPSIGNAL ${config.StopSignal}`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

function splitOnce(assignment: string): [string, string] {
  const sign = assignment.indexOf('=');
  return sign < 0 ? [assignment, ''] : [assignment.slice(0, sign), assignment.slice(sign + 1)];
}

function pair([name, value]: [string, string]): string {
  return `${name}=${quote(value)}`;
}

/** Builders expand `$`, take `\` for an escape, and have no way to write a line break. */
function quote(text: string): string {
  return `"${text.replace(/[\\"$]/g, '\\$&').replace(/[\r\n]+/g, ' ')}"`;
}
