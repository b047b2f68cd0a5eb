/** A table cell: text, or text that something is good or bad about. */
export type HtmlCell = string | { readonly text: string; readonly tone: 'good' | 'bad' };

export interface HtmlTable {
  readonly head: readonly string[];
  /** The first cell of each row names it. */
  readonly rows: readonly (readonly HtmlCell[])[];
}

/** Text as text, whatever is in it: names come from files. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** Data for a `<script>`: no `</script>` or `<!--` in a string may end it. */
export function embedJson(data: unknown): string {
  return JSON.stringify(data).replaceAll('<', '\\u003c');
}

export function tableHtml({ head, rows }: HtmlTable): string {
  const headCells = head.map((text) => `<th scope="col">${escapeHtml(text)}</th>`).join('');
  const body = rows.map(
    ([name, ...cells]) => `<tr><th scope="row">${cellText(name!)}</th>${cells.map(cellHtml).join('')}</tr>`,
  );
  return `<div class="scroll"><table><thead><tr>${headCells}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

function cellHtml(cell: HtmlCell): string {
  const tone = typeof cell === 'string' ? '' : ` class="${cell.tone}"`;
  return `<td${tone}>${cellText(cell)}</td>`;
}

function cellText(cell: HtmlCell): string {
  return escapeHtml(typeof cell === 'string' ? cell : cell.text);
}
