"""Values handed to numpy, to DLPack's frameworks, to pickle and to notebooks."""

import pickle

import numpy as np
import pytest

from tensord import Tensor, dtypes, errors


class Foreign:
    """A tensor of another framework: all it has is DLPack."""

    def __init__(self, array, device=(1, 0)):
        self.array, self.device = array, device

    def __dlpack__(self, **kwargs):
        return self.array.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self.device


def test_numpy_reads_a_tensor_by_dlpack(fake):
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    got = np.from_dlpack(x + 1)
    np.testing.assert_array_equal(got, [[2, 3], [4, 5]])
    assert got.dtype == np.float32
    assert x.__dlpack_device__() == (1, 0)


def test_what_is_exported_is_a_copy_in_host_memory(fake):
    x = Tensor([1.0])
    with pytest.raises(BufferError, match="copy"):
        x.__dlpack__(copy=False)
    with pytest.raises(BufferError, match="host memory"):
        x.__dlpack__(dl_device=(2, 0))
    with pytest.raises(ValueError, match="streams"):
        x.__dlpack__(stream=1)
    assert x.__dlpack__(dl_device=(1, 0), max_version=(1, 0), copy=True) is not None


def test_a_tensor_is_made_of_another_frameworks(fake):
    for array in (np.arange(6, dtype=np.int16).reshape(2, 3), np.float64([1.5, 2.5])):
        for x in (Tensor.from_dlpack(Foreign(array)), Tensor(Foreign(array))):
            np.testing.assert_array_equal(x.numpy(), array)
            assert x.numpy().dtype == array.dtype


def test_strides_of_another_framework_are_followed(fake):
    array = np.arange(12, dtype=np.float32).reshape(3, 4).T
    np.testing.assert_array_equal(Tensor.from_dlpack(Foreign(array)).numpy(), array)


def test_from_dlpack_says_whether_there_is_a_gradient(fake):
    array = np.float32([1.0])
    assert Tensor.from_dlpack(Foreign(array)).requires_grad
    assert not Tensor.from_dlpack(array, requires_grad=False).requires_grad


def test_memory_that_can_not_be_read_here_is_refused(fake):
    with pytest.raises(ValueError, match=r"DLPack device 2:0 .* move it to the CPU"):
        Tensor.from_dlpack(Foreign(np.float32([1.0]), (2, 0)))
    with pytest.raises(ValueError, match="has no __dlpack__"):
        Tensor.from_dlpack([1.0])


def test_a_dtype_that_numpy_has_not_is_refused(fake):
    class Odd(Foreign):
        def __dlpack__(self, **kwargs):
            raise BufferError("bfloat16 is not supported")

    with pytest.raises(TypeError, match="bfloat16"):
        Tensor.from_dlpack(Odd(np.float32([1.0])))


def test_array_takes_a_dtype_and_whether_to_copy(fake):
    x = Tensor([1.5, 2.5])
    assert np.asarray(x).dtype == np.float32
    assert np.asarray(x, dtype=np.int32).tolist() == [1, 2]
    assert np.array(x, copy=True).tolist() == [1.5, 2.5]
    assert x.__array__(np.float64, copy=None).dtype == np.float64
    with pytest.raises(ValueError, match="always a copy"):
        np.array(x, copy=False)


def test_arrays_can_be_written_to(fake):
    got = (Tensor([1.0, 2.0]) * 1).numpy()
    got[0] = 5
    assert got.tolist() == [5, 2]


def test_pickles_keep_dtype_shape_and_whether_there_is_a_gradient(fake):
    for x in (Tensor([[1, 2]]), Tensor([1.0], dtype=dtypes.bfloat16), Tensor(2.5)):
        y = pickle.loads(pickle.dumps(x))
        assert (y.dtype, y.shape, y.requires_grad) == (x.dtype, x.shape, x.requires_grad)
        np.testing.assert_array_equal(y.numpy(), x.numpy())


def test_a_notebook_shows_a_tensor_and_nothing_is_sent(fake):
    x = Tensor(np.zeros((8, 16), np.float32))
    x.numpy()
    y = x * 2
    frames, next_id = len(fake.frames), y._v.graph.next_id
    shown = y._repr_html_()
    for part in ("float32", "8 × 16", "512 B", "cpu", "not evaluated"):
        assert f"<td>{part}</td>" in shown
    assert y._v.graph.next_id == next_id
    assert not any(i.HasField("fetch") for f in fake.frames[frames:] for i in f.items)
    assert "<td>evaluated</td>" in x._repr_html_()
    assert "2 MiB" in Tensor(np.zeros(1 << 19, np.float32))._repr_html_()
    assert "scalar" in Tensor(1)._repr_html_()


def test_a_notebook_shows_a_lost_tensor(fake):
    x = Tensor([1.0])
    x._v.graph.close()
    assert "<td>lost</td>" in x._repr_html_()
    with pytest.raises(errors.ConnectionLost):
        x.numpy()
