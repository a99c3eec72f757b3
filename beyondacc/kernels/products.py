"""Products of one row with many, eight at a time: what the distances of vectors take most of their time for."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from beyondacc.kernels.jit import kernel, reduction
from beyondacc.types import Floats, Int

__all__ = ["EIGHT", "dot", "products"]

EIGHT = 8  # rows at once; lists of no fewer have all products summed in the same order
_BYTES = 32  # of a vector register


@reduction
def dot(a: Floats, b: Floats) -> float:
    """Return the product of two rows."""
    total = 0.0
    for position in range(a.shape[0]):
        total += a[position] * b[position]
    return total


if numba.config.DISABLE_JIT:

    def _eight(mine: Any, rows: Any, first: Any, columns: Any, out: Any) -> None:
        """Write the products with eight rows over the first columns, a multiple of a register."""
        out[first : first + EIGHT] = (rows[first : first + EIGHT, :columns] * mine[:columns]).sum(axis=1)

else:

    def _paired(builder: Any, one: Any, other: Any, places: list[int]) -> Any:
        mask = ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places)
        return builder.shuffle_vector(one, other, mask)

    def _sums(builder: Any, parts: list[Any]) -> Any:
        """Return the sums of vectors, in order: halves of two are put side by side and added until each is one number.

        LLVM makes each sum on its own, which takes as long as the products of a row of 64.
        """
        lanes = width = parts[0].type.count
        while lanes > 1:
            half = lanes // 2
            low = [at for block in range(0, width, lanes) for at in range(block, block + half)]
            low += [width + at for at in low]
            high = [at + half for at in low]
            pairs = zip(parts[::2], parts[1::2], strict=True)
            parts = [builder.fadd(_paired(builder, *pair, low), _paired(builder, *pair, high)) for pair in pairs]
            lanes = half
        while len(parts) > 1:
            joined = list(range(2 * parts[0].type.count))
            parts = [_paired(builder, *pair, joined) for pair in zip(parts[::2], parts[1::2], strict=True)]
        return parts[0]

    @intrinsic
    def _eight(_typing: Any, mine: Any, rows: Any, _first: Any, _columns: Any, out: Any) -> Any:
        """Write the products with eight rows over the first columns, a multiple of a register."""

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kinds = signature.args
            one, many, target = (
                context.make_array(kinds[place])(context, builder, arguments[place]) for place in (0, 1, 4)
            )
            number, whole = context.get_value_type(rows.dtype), arguments[3].type
            size = rows.dtype.bitwidth // 8
            lanes = ir.VectorType(number, _BYTES // size)
            width = cgutils.unpack_tuple(builder, many.shape, 2)[1]

            def load(data: Any, at: Any) -> Any:
                place = builder.bitcast(builder.gep(data, [at]), lanes.as_pointer())
                return builder.load(place, align=size)

            starts = [builder.mul(builder.add(arguments[2], whole(row)), width) for row in range(EIGHT)]
            sums = [cgutils.alloca_once_value(builder, ir.Constant(lanes, [0.0] * lanes.count)) for _ in starts]
            with cgutils.for_range(builder, builder.sdiv(arguments[3], whole(lanes.count))) as loop:
                at = builder.mul(loop.index, whole(lanes.count))
                by = load(one.data, at)
                for start, total in zip(starts, sums, strict=True):
                    product = builder.fmul(by, load(many.data, builder.add(start, at)), flags=("contract",))
                    builder.store(builder.fadd(builder.load(total), product, flags=("contract",)), total)
            found = _sums(builder, [builder.load(total) for total in sums])
            doubles = ir.VectorType(ir.DoubleType(), EIGHT)
            if found.type != doubles:
                found = builder.fpext(found, doubles)
            place = builder.bitcast(builder.gep(target.data, [arguments[2]]), doubles.as_pointer())
            builder.store(found, place, align=8)
            return context.get_dummy_value()

        return types.void(mine, rows, types.int64, types.int64, out), emit


@kernel
def products(mine: Floats, rows: Floats, n: Int, out: NDArray[np.float64]) -> None:
    """Write the products of a row with the first n.

    Which rows are taken together makes no difference to any bit, but that fewer than eight are taken one by one.
    """
    if n < EIGHT:
        for position in range(n):
            out[position] = dot(mine, rows[position])
        return
    width = mine.shape[0]
    lanes = _BYTES // rows.itemsize
    columns = np.int64(width // lanes * lanes)
    for eight in range((n + EIGHT - 1) // EIGHT):
        first = np.int64(min(EIGHT * eight, n - EIGHT))
        _eight(mine, rows, first, columns, out)
    if columns < width:
        for position in range(n):
            rest = rows.dtype.type(0)
            for column in range(columns, width):
                rest += mine[column] * rows[position, column]
            out[position] += rest
