"""Asks a serving process of an identity model, or a gateway that has one, what Triton's own client can ask.

usage: triton-calls.py HOST:PORT[/PATH] MODEL
"""

import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

url, model = sys.argv[1:]
client = triton.InferenceServerClient(url)

assert client.is_server_live()
assert client.is_server_ready()
assert client.is_model_ready(model)
assert client.is_model_ready(model, "1")
assert not client.is_model_ready("another")
assert client.get_server_metadata()["name"] == "infless"
metadata = client.get_model_metadata(model)
assert [tensor["name"] for tensor in metadata["inputs"]] == ["floats", "ids", "texts"], metadata
assert [tensor["shape"] for tensor in metadata["outputs"]] == [[-1, 3], [-1], [-1, 1]], metadata
assert {"name": model, "version": "1", "state": "READY", "reason": ""} in client.get_model_repository_index()

rows = 5
sent = {
    "floats": np.random.default_rng(1).standard_normal((rows, 3)).astype(np.float32),
    "ids": np.array([2**63 - 1, -(2**63), 2**53 + 1, 0, -1], dtype=np.int64),
    "texts": np.array([["a"], [""], ["ä€😀"], ['"\\\n'], ["{}"]], dtype=np.object_),
}
sent["floats"][0] = [np.nan, np.inf, -0.0]


def inputs(names=tuple(sent), binary=()):
    tensors = []
    for name in names:
        datatype = {"floats": "FP32", "ids": "INT64", "texts": "BYTES"}[name]
        tensors.append(triton.InferInput(name, sent[name].shape, datatype))
        tensors[-1].set_data_from_numpy(sent[name], binary_data=name in binary)
    return tensors


for binary in [(), ("ids",), ("floats", "texts"), tuple(sent)]:
    for compression in [None, "gzip", "deflate"]:
        # lists no outputs: asks for all, binary
        result = client.infer(
            model, inputs(binary=binary), request_id="r-1", request_compression_algorithm=compression
        )
        assert result.get_response()["id"] == "r-1"
        assert result.get_response()["model_name"] == model
        assert all("binary_data_size" in output["parameters"] for output in result.get_response()["outputs"])
        assert result.as_numpy("floats_out").tobytes() == sent["floats"].tobytes()
        assert result.as_numpy("ids_out").tobytes() == sent["ids"].tobytes()
        assert [text.decode() for text in result.as_numpy("texts_out").ravel()] == sent["texts"].ravel().tolist()

asked = [triton.InferRequestedOutput("ids_out", binary_data=False)]
result = client.infer(model, inputs(), model_version="1", outputs=asked)
assert [output["name"] for output in result.get_response()["outputs"]] == ["ids_out"]
assert result.as_numpy("ids_out").tobytes() == sent["ids"].tobytes()


def refused(call, part):
    try:
        call()
    except InferenceServerException as error:
        assert part in error.message(), error.message()
    else:
        raise AssertionError(f"not refused: {part}")


refused(lambda: client.infer(model, inputs(("ids",))), 'Input "floats" of model')
refused(lambda: client.infer(model, inputs(), model_version="7"), "has no version 7 here")
refused(lambda: client.infer("another", inputs()), '"another"')
refused(lambda: client.get_model_config(model), "Configurations are not offered here")
refused(lambda: client.get_inference_statistics(model), "Statistics are not offered here")
refused(lambda: client.load_model(model), "Clients cannot load or unload models here")
refused(lambda: client.get_system_shared_memory_status(), "Shared memory is not offered here")
refused(lambda: client.get_log_settings(), "Settings of logs and traces are not offered here")
