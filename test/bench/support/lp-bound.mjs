import loadHighs from 'highs';

/**
 * The least that any choice of configs can cost, by linear programming: fractions of instances, of whatever
 * config, that together carry each function's rate within what the cluster has in all. No integer plan on
 * real nodes is cheaper, as long as it counts the same rate on each config.
 *
 * @returns {Promise<{cheapest: (rates: readonly number[]) => number | undefined}>} `cheapest(rates)`: the
 * price, or undefined where even the bound cannot carry these rates.
 */
export async function lpBound(functions, cluster) {
  const highs = await loadHighs();
  const known = new Map();
  return {
    cheapest(rates) {
      const key = rates.join('/');
      if (!known.has(key)) known.set(key, solve(highs, functions, cluster, rates));
      return known.get(key);
    },
  };
}

function solve(highs, functions, cluster, rates) {
  const columns = functions.flatMap((configs, index) =>
    configs.map((config, at) => ({ ...config, index, name: `x${index}_${at}` })),
  );
  const sum = (of) => columns.map((column) => term(of(column), column.name)).filter(Boolean);
  const carried = rates.flatMap((rate, index) => {
    const terms = sum((column) => (column.index === index ? column.ratePerSecond : 0));
    return rate > 0 ? [` r${index}: ${terms.length > 0 ? terms.join(' + ') : '0 none'} >= ${rate}`] : [];
  });
  if (carried.length === 0) return 0;
  const problem = [
    'Minimize',
    ` price: ${sum(({ price }) => price).join(' + ')}`,
    'Subject To',
    ...carried,
    ...limit(
      'cpu',
      sum(({ cpuMillicores }) => cpuMillicores),
      cluster.cpuMillicores,
    ),
    ...limit(
      'gpu',
      sum(({ gpuPercent }) => gpuPercent),
      cluster.gpuPercent,
    ),
    'Bounds',
    ' none = 0',
    'End',
  ].join('\n');
  const { Status, ObjectiveValue } = highs.solve(problem);
  if (Status === 'Optimal') return ObjectiveValue;
  if (Status === 'Infeasible') return undefined;
  throw new Error(`the linear programme ended as ${Status}`);
}

function limit(name, terms, most) {
  return terms.length === 0 ? [] : [` ${name}: ${terms.join(' + ')} <= ${most}`];
}

function term(factor, name) {
  return factor > 0 ? `${factor} ${name}` : undefined;
}
