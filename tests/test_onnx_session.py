import numpy as np
import pytest

from index.onnx_session import open_session, write_fused

onnx = pytest.importorskip("onnx")
WIDTH = 300


def norm_of_a_sum():
    """`LayerNormalization(a + b)`, which ONNX Runtime would fuse into one slow operator."""
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    rng = np.random.default_rng(0)
    table = rng.standard_normal((WIDTH, WIDTH), dtype=np.float32)
    arrays = {
        "table": table,
        "scale": np.ones(WIDTH, np.float32),
        "shift": np.zeros(WIDTH, np.float32),
    }
    shape = [1, "length", WIDTH]
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["a", "table"], ["b"]),
            helper.make_node("Add", ["a", "b"], ["sum"]),
            helper.make_node("LayerNormalization", ["sum", "scale", "shift"], ["norm"], axis=-1),
        ],
        "norm",
        [helper.make_tensor_value_info("a", onnx.TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("norm", onnx.TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


def run(session):
    values = np.linspace(-1, 1, 2 * WIDTH, dtype=np.float32).reshape(1, 2, WIDTH)
    return session.run(None, {"a": values})[0]


@pytest.mark.parametrize("weights", [None, "weights.bin"])
def test_a_fused_model_computes_the_same_and_holds_no_slow_operator(weights, tmp_path):
    plain = norm_of_a_sum()
    file = tmp_path / "model.onnx"
    write_fused(plain, file, weights=weights)
    expected = run(open_session(plain, threads=1, is_fused=False))
    np.testing.assert_allclose(run(open_session(file)), expected, rtol=1e-5, atol=1e-5)
    assert b"SkipLayerNormalization" not in file.read_bytes()
    found = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    size = WIDTH * WIDTH * 4
    if weights:
        assert found["weights.bin"] >= size > found["model.onnx"]
    else:
        assert found.keys() == {"model.onnx"}
        assert found["model.onnx"] > size
