import type { Instance } from '../../../../autoscaler/cluster/instance.ts';
import type {
  KubernetesPlatform,
  KubernetesPlatformOptions,
} from '../../../../autoscaler/fleet/kubernetes/kubernetes-platform.ts';
import type { InstanceEvent } from '../../../../autoscaler/fleet/platform.ts';
import type { PodPart } from '../../../support/kubernetes/pod-player.ts';
import type { KubernetesHarness } from './kubernetes-harness.ts';

export type Gone = Extract<InstanceEvent, { type: 'gone' }>;

/** One life of a platform on a played cluster, and everything it told. */
export class KubernetesLife {
  readonly platform: KubernetesPlatform;
  readonly events: InstanceEvent[] = [];
  readonly #harness: KubernetesHarness;

  private constructor(harness: KubernetesHarness, options: Partial<KubernetesPlatformOptions>) {
    this.#harness = harness;
    this.platform = harness.create(options);
  }

  static async open(
    harness: KubernetesHarness,
    options: Partial<KubernetesPlatformOptions> = {},
  ): Promise<KubernetesLife> {
    const life = new KubernetesLife(harness, options);
    await life.platform.open((event) => life.events.push(event));
    return life;
  }

  find(id: string): Instance | undefined {
    return this.platform.instances().find((instance) => instance.id === id);
  }

  phasesOf(id: string): string[] {
    return this.events
      .filter(({ instance }) => instance.id === id)
      .map((event) => (event.type === 'gone' ? 'gone' : event.instance.phase));
  }

  goneOf(id: string): Gone | undefined {
    return this.events.find((event): event is Gone => event.type === 'gone' && event.instance.id === id);
  }

  async start(id: string, part: PodPart = 'serves'): Promise<void> {
    await this.platform.start(this.#harness.request(id, part));
  }

  async startReady(...ids: string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.start(id)));
    await this.#harness.until(() => ids.every((id) => this.find(id)?.phase === 'ready'));
  }

  async untilGone(id: string): Promise<Gone> {
    await this.#harness.until(() => this.goneOf(id) !== undefined);
    return this.goneOf(id)!;
  }

  /** Every pod of ours is an instance, and every instance has its pod. */
  async untilInStep(): Promise<void> {
    await this.#harness.until(async () => {
      const pods = await this.#harness.leftovers();
      const instances = this.platform.instances().map(({ id }) => `pod ${id}`);
      return pods.sort().join() === instances.sort().join();
    });
  }
}
