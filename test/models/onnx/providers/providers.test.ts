import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { onnxEngine } from '../../../../models/onnx/engine.ts';
import { providerFor, usesCuda } from '../../../../models/provider.ts';
import { tfjsEngine } from '../../../../models/tfjs/engine.ts';

describe('the providers of an engine', () => {
  it('are those that its binding names', async () => {
    const names = await onnxEngine.providerNames();
    expect(names).toContain('cpu');
    if (process.platform === 'linux' && process.arch === 'x64') expect(names).toContain('cuda');
  });

  it('are refused by name where the binding has none of that name, with those that it has', async () => {
    await expect(onnxEngine.providers({ only: ['rocm'] })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      sentence: expect.stringMatching(
        /^onnxruntime-node \S+ has no execution provider "rocm" here\. Choose one of cpu, /,
      ),
    });
    await expect(tfjsEngine.providers({ only: ['tensorrt'] })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      sentence: expect.stringContaining('Choose one of cpu, cuda'),
    });
  });

  it('are tried, each to the end: the CPU can be used, and what cannot says why', async ({ skip }) => {
    if (process.platform !== 'linux' || process.arch !== 'x64') skip('the binding has other providers here');
    if (existsSync('/proc/driver/nvidia/version')) skip('this machine has an NVIDIA driver');
    const [cpu, cuda] = await onnxEngine.providers({ only: ['cpu', 'cuda'] });
    expect(cpu).toEqual({ name: 'cpu' });
    expect(cuda).toMatchObject({
      name: 'cuda',
      unusable: { what: expect.stringMatching(/^The cuda provider /), remedy: expect.any(String) },
    });
  });

  it('of TF.js say which CUDA the GPU binding wants', async () => {
    const [, cuda] = await tfjsEngine.providers();
    expect(cuda!.unusable?.remedy).toContain('CUDA 11.2 and cuDNN 8.1');
  });

  it('are chosen by the share: none is the CPU, any is CUDA unless another is named', () => {
    expect(providerFor({ gpuPercent: 0, provider: 'tensorrt' })).toBe('cpu');
    expect(providerFor({ gpuPercent: 50 })).toBe('cuda');
    expect(providerFor({ gpuPercent: 50, provider: 'webgpu' })).toBe('webgpu');
    expect(['cuda', 'tensorrt', 'webgpu', 'cpu'].filter(usesCuda)).toEqual(['cuda', 'tensorrt']);
  });
});
