import type { Writable } from 'node:stream';
import pc from 'picocolors';
import { formatDuration } from '../../models/base/units.ts';
import { formatConfig } from '../../profiles/config.ts';
import { isDisturbed } from '../cell/verdicts.ts';
import type { ProfileEvent, ProfileListener, SweepState } from '../sweep/progress.ts';

type Terminal = Writable & { readonly isTTY?: boolean; readonly columns?: number };
type CellEvent = Extract<ProfileEvent, SweepState>;

/**
 * Tells a person how far the sweep is. On a terminal one line is redrawn, and only what matters later stays:
 * notes and failures. Elsewhere (a log) every finished cell is a line.
 */
export function progressListener(stream: Terminal): ProfileListener {
  const redraw = stream.isTTY === true;
  const colors = pc.createColors(redraw && pc.isColorSupported); // a log is not a terminal, whatever CI says
  const keep = (text: string): void => void stream.write(`${redraw ? CLEAR_LINE : ''}${text}\n`);
  return (event) => {
    switch (event.type) {
      case 'note':
        keep(`${colors.yellow('note')}: ${event.text}`);
        return;
      case 'step':
        stream.write(redraw ? `${CLEAR_LINE}${event.text} …` : `${event.text}.\n`);
        return;
      case 'saved':
        keep(`Table saved as ${event.file}`);
        return;
      case 'cell-failed':
        keep(`${colors.yellow('left out')}: ${formatConfig(event.config)}: ${event.reason}`);
        return;
      case 'cell-started':
      case 'cell-measured':
        if (redraw) stream.write(CLEAR_LINE + describe(event).slice(0, (stream.columns ?? 80) - 1));
        else if (event.type === 'cell-measured') keep(describe(event));
    }
  };
}

const CLEAR_LINE = '\r\x1b[2K';

function describe(event: CellEvent): string {
  const left = event.done === event.total ? 'done' : `about ${formatGuess(event.remainingMs)} left`;
  return `[${event.done}/${event.total}] ${whatOf(event)} (${left})`;
}

/** A guess has no decimals. */
function formatGuess(durationMs: number): string {
  return durationMs < 60_000 ? `${Math.ceil(durationMs / 1000)} s` : formatDuration(durationMs);
}

function whatOf(event: CellEvent): string {
  if (event.type !== 'cell-measured') return formatConfig(event.config);
  const { cell, warmth } = event;
  const precision = cell.converged ? '' : ', not as precise as asked';
  const waited = isDisturbed(cell) ? ', disturbed by other load' : '';
  const drift = warmth === 'unsteady' ? ', not steady after warm-up' : '';
  return `${formatConfig(cell)}: p50 ${formatDuration(cell.latencyMs.p50)}, p99 ${formatDuration(cell.latencyMs.p99)}, ${cell.samples} samples${precision}${drift}${waited}`;
}
