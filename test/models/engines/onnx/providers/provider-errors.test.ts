import { describe, expect, it } from 'vitest';
import {
  explainFailure,
  isOfProvider,
  type ProviderFacts,
} from '../../../../../models/engines/onnx/providers/provider-errors.ts';

const FACTS: ProviderFacts = {
  provider: 'cuda',
  runtimeFolder: '/app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64',
  driverVersion: undefined,
  computeCapability: undefined,
  cudaMajor: 13,
  libraries: new Map(),
  visibleDevices: undefined,
};

/** As onnxruntime 1.30.0 logs it (provider_bridge_ort.cc) when a library cannot be loaded. */
function notLoaded(why: string): string {
  return `OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library
2026-11-27 14:08:06.693648517 [E:onnxruntime:onnxruntime-node, provider_bridge_ort.cc:2146 Create] /onnxruntime_src/onnxruntime/core/session/provider_bridge_ort.cc:1988 onnxruntime::Provider& onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load library /app/libonnxruntime_providers_cuda.so with error: ${why}`;
}

/** As onnxruntime 1.30.0 throws it (cuda_call.cc) when a call of CUDA fails. */
function failed(library: string, code: number, text: string, expression: string): string {
  return `/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:154 std::conditional_t<THRW, void, onnxruntime::common::Status> onnxruntime::CudaCall(ERRTYPE, const char*, const char*, SUCCTYPE, const char*, const char*, int) [with ERRTYPE = cudaError; bool THRW = true; SUCCTYPE = cudaError; std::conditional_t<THRW, void, common::Status> = void] ${library} failure ${code}: ${text} ; GPU=-1 ; hostname=node ; file=/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_execution_provider.cc ; line=352 ; expr=${expression}; `;
}

const CANNOT_OPEN = 'cannot open shared object file: No such file or directory';

describe('why a provider cannot be used', () => {
  it.each<[string, Partial<ProviderFacts>, string]>([
    [
      notLoaded(`libcuda.so.1: ${CANNOT_OPEN}`),
      {},
      'The cuda provider needs an NVIDIA driver, and there is none here (libcuda.so.1 is not found)',
    ],
    [
      notLoaded(`libcublasLt.so.13: ${CANNOT_OPEN}`),
      {},
      'The cuda provider needs the libraries of CUDA 13, and libcublasLt.so.13 is not found',
    ],
    [
      notLoaded(`libcublasLt.so.13: ${CANNOT_OPEN}`),
      { libraries: new Map([['libcublasLt.so.12', '/venv/nvidia/cublas/lib']]) },
      'The cuda provider needs the libraries of CUDA 13, and libcublasLt.so.13 is not found; CUDA 12 is in /venv/nvidia/cublas/lib',
    ],
    [
      notLoaded(`libcublasLt.so.12: ${CANNOT_OPEN}`),
      { cudaMajor: 12, libraries: new Map([['libcublasLt.so.13', '/venv/nvidia/cu13/lib']]) },
      'The cuda provider needs the libraries of CUDA 12, and libcublasLt.so.12 is not found; CUDA 13 is in /venv/nvidia/cu13/lib',
    ],
    [
      notLoaded(`libcudnn.so.9: ${CANNOT_OPEN}`),
      {},
      'The cuda provider needs cuDNN 9, and libcudnn.so.9 is not found',
    ],
    [
      notLoaded(`libcudnn.so.9: ${CANNOT_OPEN}`),
      { libraries: new Map([['libcudnn.so.8', '/usr/local/cuda/lib64']]) },
      'The cuda provider needs cuDNN 9, and only libcudnn.so.8 is there, in /usr/local/cuda/lib64',
    ],
    [
      failed('CUDNN', 1001, 'CUDNN_STATUS_NOT_INITIALIZED', 'cudnnCreate(&cudnn_handle_)'),
      { libraries: new Map([['libcudnn.so.9', '/venv/nvidia/cudnn/lib']]) },
      'The cuda provider needs cuDNN 9, and the one in /venv/nvidia/cudnn/lib does not start',
    ],
    [
      notLoaded(`/app/libonnxruntime_providers_shared.so: ${CANNOT_OPEN}`),
      {},
      'The cuda provider of ONNX Runtime is not installed: libonnxruntime_providers_shared.so is not in /app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64',
    ],
    [
      notLoaded(`libnvinfer.so.10: ${CANNOT_OPEN}`),
      { provider: 'tensorrt' },
      'The tensorrt provider needs TensorRT 10, and libnvinfer.so.10 is not found',
    ],
    [
      notLoaded('/app/libonnxruntime_providers_cuda.so: undefined symbol: cuTensorMapEncodeTiled'),
      {},
      'The cuda provider does not fit the libraries that it finds (cuTensorMapEncodeTiled is missing)',
    ],
    [
      failed(
        'CUDA',
        35,
        'CUDA driver version is insufficient for CUDA runtime version',
        'cudaSetDevice(info_.device_id)',
      ),
      { driverVersion: '535.104.05' },
      'The NVIDIA driver 535.104.05 is too old for the cuda provider, whose CUDA 13 needs 580 or newer; this one takes CUDA up to 12',
    ],
    [
      failed('CUDA', 100, 'no CUDA-capable device is detected', 'cudaSetDevice(info_.device_id)'),
      { visibleDevices: 'GPU-gone' },
      'CUDA finds no GPU here, where CUDA_VISIBLE_DEVICES is "GPU-gone"',
    ],
    [
      failed('CUDA', 209, 'no kernel image is available for execution on the device', 'cudaGetLastError()'),
      { computeCapability: '6.1' },
      'The cuda provider has no code for this GPU of compute capability 6.1: CUDA 13 needs 7.5 or more',
    ],
    [
      failed(
        'CUDA',
        46,
        'all CUDA-capable devices are busy or unavailable',
        'cudaSetDevice(info_.device_id)',
      ),
      {},
      'The GPU is taken by another process, as its compute mode Exclusive_Process allows only one',
    ],
    [
      failed(
        'CUDA',
        805,
        'MPS client failed to connect to the MPS control daemon or the MPS server',
        'cudaSetDevice(0)',
      ),
      {},
      'This process cannot connect to the MPS daemon of the GPU, which may be that of another user',
    ],
    [
      failed('CUDA', 807, 'the MPS server has reached its limit of clients', 'cudaSetDevice(0)'),
      {},
      'The MPS daemon of this GPU takes no more processes',
    ],
    [
      failed(
        'CUDA',
        803,
        'system has unsupported display driver / cuda driver combination',
        'cudaSetDevice(0)',
      ),
      { driverVersion: '580.159.04' },
      "The NVIDIA driver's libraries and its kernel module 580.159.04 are of different versions",
    ],
    [
      failed('CUDA', 802, 'system not yet initialized', 'cudaSetDevice(info_.device_id)'),
      {},
      'The GPU is not ready: its fabric has not been initialized',
    ],
    [
      failed('CUDA', 999, 'unknown error', 'cudaSetDevice(info_.device_id)'),
      {},
      'The GPU failed (CUDA error 999: unknown error)',
    ],
  ])('%#: is one sentence, with the versions found', (text, facts, what) => {
    expect(isOfProvider(text)).toBe(true);
    const failure = explainFailure(text, { ...FACTS, ...facts });
    expect(failure).toMatchObject({ code: 'ACCELERATOR_UNAVAILABLE', what });
    expect(failure!.remedy).toMatch(/^[A-Z][^\n]+\.$/);
  });

  it.each([
    [failed('CUDA', 2, 'out of memory', 'cudaMalloc((void**)&p, size)'), 'The GPU is out of memory'],
    [
      'Non-zero status code returned while running Conv node. Status Message: /onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:376 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*) Failed to allocate memory for requested buffer of size 4294967296',
      'The GPU is out of memory (4096 MiB more were needed)',
    ],
    [
      failed('CUBLAS', 3, 'CUBLAS_STATUS_ALLOC_FAILED', 'cublasCreate(&cublas_handle_)'),
      'The GPU is out of memory',
    ],
  ])('%#: tells being out of memory from being unusable', (text, what) => {
    expect(explainFailure(text, FACTS)).toMatchObject({ code: 'ACCELERATOR_OUT_OF_MEMORY', what });
  });

  it.each([
    'Got invalid dimensions for input: x for the following indices',
    'Load model from /m.onnx failed: Protobuf parsing failed.',
    "input 'y' is missing in 'feeds'.",
  ])('is not what "%s" is about', (text) => {
    expect(isOfProvider(text)).toBe(false);
    expect(explainFailure(text, FACTS)).toBeUndefined();
  });

  it('names the wheel of the CUDA version that is wanted', () => {
    const text = notLoaded(`libcudart.so.12: ${CANNOT_OPEN}`);
    expect(explainFailure(text, { ...FACTS, cudaMajor: 12 })!.remedy).toContain('nvidia-cuda-runtime-cu12');
    expect(explainFailure(text, { ...FACTS, cudaMajor: 13 })!.remedy).toContain(
      'pip install nvidia-cuda-runtime)',
    );
  });
});
