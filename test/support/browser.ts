import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

export const NO_BROWSER = 'chromium is not installed';

/** The system's Chromium, where there is one: none is downloaded. */
export const chromiumFile: string | undefined = (process.env.PATH ?? '')
  .split(delimiter)
  .map((directory) => join(directory, 'chromium'))
  .find(isExecutable);

/**
 * A headless browser of its own profile; the caller closes it.
 *
 * @param args more arguments of Chromium
 */
export function openBrowser(...args: readonly string[]): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumFile!,
    args: ['--no-sandbox', '--disable-gpu', ...args], // root in a container has no other choice
  });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
