"""What LLVM is asked for by name, because it does not find it on its own; each with what it means in plain Python."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import float64, types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = [
    "EIGHT",
    "LANES",
    "REGISTER",
    "above",
    "eight_products",
    "larger",
    "lowest_bit",
    "popcount",
    "prefetch",
    "sixteen_gains",
    "sixteen_sums",
    "smaller",
]

LANES = 32  # numbers that `above` compares at once
EIGHT = 8  # rows that `eight_products` takes at once; lists of no fewer have all products summed in one order
REGISTER = 32  # bytes of a vector

if numba.config.DISABLE_JIT:

    def popcount(word: Any) -> int:
        """Count the bits of a word."""
        return int(word).bit_count()

    def lowest_bit(word: Any) -> int:
        """Return the place of the lowest bit that is set; there must be one."""
        return (int(word) & -int(word)).bit_length() - 1

    def above(numbers: Any, position: Any, least: Any) -> Any:
        """Return which of the `LANES` numbers from a position on are above one, or NaN, as bits of a word."""
        bits = np.packbits(~(numbers[position : position + LANES] <= least), bitorder="little")
        return np.uint64(int.from_bytes(bits.tobytes(), "little"))

    def prefetch(_numbers: Any, _position: Any) -> None:
        """Ask for a number before it is needed: nothing to do where nothing is compiled."""

    def larger(one: Any, other: Any) -> Any:
        """Return the larger of two numbers."""
        return one if one > other else other

    def smaller(one: Any, other: Any) -> Any:
        """Return the smaller of two numbers."""
        return one if one < other else other

    def eight_products(mine: Any, rows: Any, first: Any, columns: Any, out: Any) -> None:
        """Write the products with eight rows over the first columns, a multiple of a register."""
        out[first : first + EIGHT] = (rows[first : first + EIGHT, :columns] * mine[:columns]).sum(axis=1)

    def sixteen_sums(more: Any, less: Any, blocks: Any) -> float:
        """Return the sum of differences of so many blocks of sixteen, each added to the sum of its own place."""
        return _by_sixteen(more, less, blocks, clipped=False)

    def sixteen_gains(more: Any, less: Any, blocks: Any) -> float:
        """Return the sum of differences that are above 0, as `sixteen_sums`."""
        return _by_sixteen(more, less, blocks, clipped=True)

    def _by_sixteen(more: Any, less: Any, blocks: Any, *, clipped: bool) -> float:
        sums = np.zeros((4, 4))
        for block in range(blocks):
            part = slice(16 * block, 16 * block + 16)
            plus, minus = more[part].reshape(4, 4), less[part].reshape(4, 4)
            sums = sums + np.maximum(plus - minus, 0.0) if clipped else (sums - minus) + plus
        first, second, third, fourth = ((sums[0] + sums[1]) + sums[2]) + sums[3]
        return float((first + third) + (second + fourth))

else:

    @intrinsic
    def popcount(typing_context: Any, word: Any) -> Any:  # noqa: ARG001 - numba's calling convention
        """Count the bits of a word: one machine instruction."""

        def emit(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.ctpop(arguments[0])

        return types.int64(types.uint64), emit

    @intrinsic
    def lowest_bit(typing_context: Any, word: Any) -> Any:  # noqa: ARG001 - as above
        """Return the place of the lowest bit that is set; there must be one: one machine instruction."""

        def emit(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.cttz(arguments[0], ir.IntType(1)(1))

        return types.int64(types.uint64), emit

    @intrinsic
    def above(typing_context: Any, numbers: Any, position: Any, least: Any) -> Any:  # noqa: ARG001 - as above
        """Return which of the `LANES` numbers from a position on are above one, or NaN, as bits of a word.

        LLVM makes no words of comparisons on its own: a vector of them has to be asked for.
        """

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
            number, size = signature.args[0].dtype, ir.IntType(32)
            lanes = ir.VectorType(context.get_value_type(number), LANES)
            place = builder.bitcast(builder.gep(data, [arguments[1]]), lanes.as_pointer())
            given = builder.load(place, align=number.bitwidth // 8)
            nothing, everywhere = ir.Constant(lanes, ir.Undefined), ir.Constant(ir.VectorType(size, LANES), [0] * LANES)
            one = builder.insert_element(nothing, arguments[2], size(0))
            found = builder.fcmp_unordered(">", given, builder.shuffle_vector(one, nothing, everywhere))
            return builder.zext(builder.bitcast(found, ir.IntType(LANES)), ir.IntType(64))

        return types.uint64(numbers, types.int64, numbers.dtype), emit

    @intrinsic
    def prefetch(typing_context: Any, numbers: Any, position: Any) -> Any:  # noqa: ARG001 - as above
        """Ask for the cache line of a number before it is needed; any position in a contiguous array is safe."""

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
            byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
            place = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
            kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
            hint = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
            builder.call(hint, [place, word(0), word(3), word(1)])  # to read, soon and often, data
            return context.get_dummy_value()

        return types.void(numbers, types.int64), emit

    def _choice(sign: str) -> Any:
        # without a branch, which would leave masked stores where the choice is written in place, and in any order,
        # without which LLVM does not vectorise the largest of all
        def emit(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            flags = ("nnan", "nsz")
            return builder.select(builder.fcmp_ordered(sign, *arguments, flags=flags), *arguments, flags=flags)

        return float64(float64, float64), emit

    @intrinsic
    def larger(typing_context: Any, one: Any, other: Any) -> Any:  # noqa: ARG001 - as above
        """Return the larger of two numbers, neither of which is NaN."""
        return _choice(">")

    @intrinsic
    def smaller(typing_context: Any, one: Any, other: Any) -> Any:  # noqa: ARG001 - as above
        """Return the smaller of two numbers, neither of which is NaN."""
        return _choice("<")

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
    def eight_products(_typing: Any, mine: Any, rows: Any, _first: Any, _columns: Any, out: Any) -> Any:
        """Write the products with eight rows over the first columns, a multiple of a register."""

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kinds = signature.args
            one, many, target = (
                context.make_array(kinds[place])(context, builder, arguments[place]) for place in (0, 1, 4)
            )
            number, whole = context.get_value_type(rows.dtype), arguments[3].type
            size = rows.dtype.bitwidth // 8
            lanes = ir.VectorType(number, REGISTER // size)
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

    def _sixteen(more: Any, less: Any, *, clipped: bool) -> Any:
        # where LLVM may choose the order of a sum, for vectors, it differs between machines, between callers, and
        # between code that was just compiled and code that was kept
        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            plus, minus = (
                context.make_array(signature.args[place])(context, builder, arguments[place]) for place in (0, 1)
            )
            whole, lanes = arguments[2].type, ir.VectorType(ir.DoubleType(), 4)
            zeros, sure = ir.Constant(lanes, [0.0] * 4), ("nnan", "nsz")

            def load(data: Any, at: Any) -> Any:
                return builder.load(builder.bitcast(builder.gep(data, [at]), lanes.as_pointer()), align=8)

            sums = [cgutils.alloca_once_value(builder, zeros) for _ in range(4)]
            with cgutils.for_range(builder, arguments[2]) as loop:
                first = builder.mul(loop.index, whole(16))
                for place, total in enumerate(sums):
                    at = builder.add(first, whole(4 * place))
                    one, other, before = load(plus.data, at), load(minus.data, at), builder.load(total)
                    if clipped:
                        gain = builder.fsub(one, other)
                        gain = builder.select(
                            builder.fcmp_ordered(">", gain, zeros, flags=sure), gain, zeros, flags=sure
                        )
                        builder.store(builder.fadd(before, gain), total)
                    else:
                        builder.store(builder.fadd(builder.fsub(before, other), one), total)
            found = builder.load(sums[0])
            for total in sums[1:]:
                found = builder.fadd(found, builder.load(total))
            a, b, c, d = (builder.extract_element(found, ir.IntType(32)(place)) for place in range(4))
            return builder.fadd(builder.fadd(a, c), builder.fadd(b, d))

        return float64(more, less, types.int64), emit

    @intrinsic
    def sixteen_sums(_typing: Any, more: Any, less: Any, _blocks: Any) -> Any:
        """Return the sum of differences of so many blocks of sixteen, each added to the sum of its own place."""
        return _sixteen(more, less, clipped=False)

    @intrinsic
    def sixteen_gains(_typing: Any, more: Any, less: Any, _blocks: Any) -> Any:
        """Return the sum of differences that are above 0, as `sixteen_sums`."""
        return _sixteen(more, less, clipped=True)
