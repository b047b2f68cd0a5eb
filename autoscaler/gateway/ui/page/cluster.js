import { cores, fact, h, plural } from './dom.js';

/** The nodes, and what is on them. */
export function clusterView() {
  return { title: 'Cluster', events: '?view=cluster', draw };
}

function draw({ nodes }) {
  return [
    h('h1', {}, 'Cluster'),
    nodes.length === 0
      ? h('p', { class: 'notice' }, 'There is no node where instances may run.')
      : nodes.map(node),
  ];
}

function node({ name, cpuMillicores, memoryBytes, gpus, instances }) {
  const held = instances.reduce((sum, each) => sum + each.cpuMillicores, 0);
  const shares = instances.reduce((sum, each) => sum + each.gpuPercent, 0);
  return h(
    'section',
    { 'data-key': name },
    h('h2', {}, name),
    h(
      'dl',
      { class: 'facts-row' },
      fact(
        'Cores held',
        `${cores(held)} of ${cores(cpuMillicores)}`,
        'CPU quotas of its instances, and what it offers',
      ),
      fact('Memory', `${(memoryBytes / 2 ** 30).toFixed(1)} GiB`, 'What it offers to instances'),
      gpus === 0 ? null : fact('GPUs', `${shares} % of ${gpus * 100} %`, 'Shares that its instances hold'),
      fact('Instances', String(instances.length), 'On this node now'),
    ),
    meter(held, cpuMillicores, name),
    instances.length === 0
      ? h('p', { class: 'empty' }, 'Nothing runs here.')
      : h('ul', { class: 'tiles', 'aria-label': plural(instances.length, 'instance') }, instances.map(tile)),
  );
}

function meter(held, offered, name) {
  return h(
    'svg',
    {
      class: 'meter',
      viewBox: '0 0 100 4',
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': `${cores(held)} of ${cores(offered)} cores of ${name} are held`,
    },
    h('rect', { class: 'ground', x: 0, y: 0, width: 100, height: 4 }),
    h('rect', {
      class: 'bar bar-1',
      x: 0,
      y: 0,
      width: Math.min(100, (100 * held) / Math.max(1, offered)),
      height: 4,
    }),
  );
}

function tile({ id, functionName, config, phase }) {
  return h(
    'li',
    { class: `tile ${phase}`, 'data-key': id, title: `${id}, ${phase}` },
    h('a', { href: `#/functions/${functionName}` }, functionName),
    ` ${config}`,
    phase === 'ready' ? null : h('small', {}, ` ${phase}`),
  );
}
