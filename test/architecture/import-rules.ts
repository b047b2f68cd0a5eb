/**
 * What each folder may import beside itself, level by level, read from the ground up. The reasons are in
 * docs/architecture.md; a new arrow is a line here and a reason there.
 */
export const MAY_IMPORT: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  '': {
    models: [],
    profiles: ['models'],
    profiler: ['models', 'profiles'],
    packager: ['models', 'profiles'],
    autoscaler: ['models', 'profiles', 'profiler', 'packager'],
  },
  models: {
    base: [],
    batching: ['base'],
    manifest: ['base'],
    codec: ['base', 'manifest'],
    protocols: ['base', 'codec', 'manifest'],
    sample: ['base', 'manifest', 'protocols'], // protocols: a sample is a request
    zoo: ['base', 'manifest'],
    engines: ['base', 'manifest'],
    resolve: ['base', 'engines', 'manifest', 'zoo'],
  },
  profiler: {
    gpu: [],
    quota: [],
    load: [],
    cell: ['gpu', 'quota'],
    sweep: ['cell', 'gpu', 'quota'],
    endpoint: ['cell', 'load'],
    operators: ['cell', 'quota', 'sweep'],
    report: ['cell', 'sweep'],
    commands: ['cell', 'endpoint', 'load', 'operators', 'report', 'sweep'],
  },
  autoscaler: {
    kubernetes: [],
    demand: [],
    cluster: [],
    latency: ['cluster'],
    functions: ['demand', 'kubernetes'],
    dispatch: ['cluster', 'latency'],
    planning: ['cluster', 'demand', 'latency'],
    journal: ['cluster', 'latency', 'planning'],
    fleet: ['cluster', 'functions', 'kubernetes'],
    control: ['cluster', 'demand', 'dispatch', 'fleet', 'functions', 'latency', 'planning'],
    operator: ['cluster', 'control', 'demand', 'functions', 'kubernetes', 'latency', 'planning'],
    gateway: ['cluster', 'control', 'dispatch', 'fleet', 'functions', 'latency', 'planning'],
    simulation: ['cluster', 'control', 'demand', 'dispatch', 'fleet', 'functions', 'latency', 'planning'],
    'what-if': ['cluster', 'control', 'demand', 'functions', 'journal', 'latency', 'planning', 'simulation'],
    service: [
      'control',
      'dispatch',
      'fleet',
      'functions',
      'gateway',
      'journal',
      'kubernetes',
      'operator',
      'planning',
    ],
    'serve-models': ['gateway', 'journal', 'planning', 'service'],
    doctor: ['kubernetes'],
    client: ['gateway'], // the login that the gateway keeps, and where it is
    library: ['functions', 'planning', 'service', 'what-if'],
    infless: ['client', 'doctor', 'journal', 'serve-models'], // loaded when called
    deploy: ['operator'],
    'gpu-proof': ['cluster', 'gateway', 'latency', 'planning'], // cluster: what a share costs
    quickstart: ['control', 'dispatch', 'fleet', 'latency', 'planning', 'serve-models', 'service'],
  },
};

/**
 * Folders that only their parent's own files and each other may open: everybody else goes through the
 * parent's.
 */
export const PRIVATE: readonly string[] = [
  'autoscaler/planning/targets',
  'autoscaler/planning/moves',
  'autoscaler/planning/placement',
  'autoscaler/gateway/async',
  'autoscaler/gateway/openfaas',
  'autoscaler/simulation/cluster',
  'autoscaler/simulation/keepalive',
  'autoscaler/what-if/inputs',
  'autoscaler/what-if/series',
  'autoscaler/what-if/page',
  'profiler/operators/trace',
  'profiler/sweep/threads',
  'models/engines/onnx',
  'models/engines/tfjs',
  'models/engines/batch-axes',
];

/** Who may enter a private folder all the same. */
export const GUESTS: Readonly<Record<string, readonly string[]>> = {
  'models/engines/onnx': ['autoscaler/gpu-proof'], // the proof is of this engine, step by step
};

/** Decisions: the same input gives the same answer, in production, in a forecast and in a simulation. */
export const PURE: readonly string[] = [
  'models/batching',
  'autoscaler/cluster',
  'autoscaler/latency',
  'autoscaler/demand',
  'autoscaler/planning',
];
