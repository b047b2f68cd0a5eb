/** What plays the card: programs first on the PATH, and a preload that takes the engine's CUDA for its CPU. */
export async function openReplay(_folder: string, _work: string): Promise<NodeJS.ProcessEnv> {
  throw new Error('not yet');
}
