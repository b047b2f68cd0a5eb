import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { packageRoot } from '../package.ts';
import { embedJson, escapeHtml } from './html.ts';

/** Nothing is fetched, whatever the page contains. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

const HERE = 'models/base/page';

export interface PageContent {
  readonly title: string;
  /** HTML of the body. */
  readonly body: string;
  /** What the script finds as `chartKit.data`. */
  readonly data: unknown;
  /**
   * The file that draws the charts, relative to the package root: no module of ours, it runs in the browser
   * after uPlot and the chart kit. Without one, the page has no scripts.
   */
  readonly script?: string;
  /** Style beyond that of all pages, relative to the package root. */
  readonly style?: string;
}

/** A page that needs nothing else: its charts are drawn by uPlot, which is in it, from the data in it. */
export async function renderDocument(content: PageContent): Promise<string> {
  const uplot = dirname(createRequire(import.meta.url).resolve('uplot/dist/uPlot.min.css'));
  const [uplotCss, uplotScript, css, ownCss, kit, script] = await Promise.all([
    readFile(join(uplot, 'uPlot.min.css'), 'utf8'),
    readFile(join(uplot, 'uPlot.iife.min.js'), 'utf8'),
    packaged(`${HERE}/page.css`),
    content.style === undefined ? '' : packaged(content.style),
    packaged(`${HERE}/chart-kit.js`),
    content.script === undefined ? undefined : packaged(content.script),
  ]);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${escapeHtml(content.title)}</title>
<style>${uplotCss}</style>
<style>${css}${ownCss}</style>
</head>
<body>
${content.body}
<script type="application/json" id="data">${embedJson(content.data)}</script>
${script === undefined ? '' : `<script>${uplotScript}</script>\n<script>${kit}{${script}}</script>\n`}</body>
</html>
`;
}

/** Styles and scripts of pages stay beside the sources and are read as they are. */
function packaged(path: string): Promise<string> {
  return readFile(join(packageRoot, path), 'utf8');
}
