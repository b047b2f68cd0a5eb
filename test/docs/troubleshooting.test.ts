import { expect, it } from 'vitest';
import { sourcesIn } from '../architecture/sources.ts';
import { readPage } from './pages.ts';

/** Names, figures and codes, which stand for others. */
const FILLED_IN =
  /…|"[^"]*"|\([^)]*\)|\b(?:[A-Z]|NAME|POST|GET)\b|\S*\d\S*(?: m?s\b)?|\b(?:cuda|tensorrt|cpu)\b|@\S+|\/\w+|--namespace|platform local/;
const COMMANDS = /^(?:npx|curl|kubectl|echo|docker|ss|systemd-run|ONNXRUNTIME_|faas-cli|npm|this one)/;
/** Of npm and Kubernetes. */
const OF_OTHERS = ['Unknown project config', 'unknown field', 'is forbidden'];

/** What the page says that our programs print, cut where it depends on the case. */
function sentences(): string[] {
  const page = readPage('docs/troubleshooting.md').replaceAll(/^```.*?^```/gms, '');
  const quoted = [...page.matchAll(/`([^`]+)`/g)].map(([, text]) => text!);
  return quoted.filter((text) => /^\S+ \S+ \S+/.test(text) && !COMMANDS.test(text));
}

it('programs print the sentences that the page explains', () => {
  const sources = ['models', 'profiles', 'profiler', 'packager', 'autoscaler'].flatMap(sourcesIn);
  const printed = sources.map(({ text }) => text).join('\n');
  const parts = sentences().flatMap((sentence) =>
    sentence
      .split(FILLED_IN)
      .map((part) => part.replace(/^[\s.,:;]+|[\s.,:;]+$/g, ''))
      .filter((part) => /\S+ \S+/.test(part) && !OF_OTHERS.includes(part)),
  );
  expect(parts.length).toBeGreaterThan(50);
  expect(parts.filter((part) => !printed.includes(part))).toEqual([]);
});
