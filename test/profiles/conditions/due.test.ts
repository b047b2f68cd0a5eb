import { expect, it } from 'vitest';
import { SERVING_PATH, whyDue } from '../../../profiles/conditions/due.ts';
import { readTable } from '../../../profiles/store.ts';
import { cell, table } from '../sample-table.ts';

const cells = [cell(1, 1000, 20)];

it('a table is due again if it was measured with another serving path', async () => {
  expect(whyDue(table(cells, { servingPath: SERVING_PATH }))).toBeUndefined();
  expect(whyDue(table(cells, { servingPath: SERVING_PATH + 1 }))).toMatch(/a newer version/);
  const { servingPath: _, ...older } = table(cells);
  expect(whyDue(older)).toBe(
    `it was measured with an older version of the serving path (1, here ${SERVING_PATH})`,
  );
  expect(whyDue(await readTable('profiles/mobilenet-epyc.json'))).toMatch(/an older version/);
});

it("other tools' tables are never due", () => {
  const foreign = { confidence: { level: 0, relativeError: 1 }, servingPath: 1 };
  expect(whyDue(table(cells, foreign))).toBeUndefined();
});
