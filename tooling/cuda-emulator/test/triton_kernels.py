"""Matrix products as Triton compiles them, executed by the emulator: does it understand PTX as GPUs do?

Triton's kernels have run on GPUs for years, so what they make of `ldmatrix`, `mma`, `cp.async`, of `wgmma` and its
descriptors, of the tensor memory accelerator and its barriers is how those work. A kernel of the backend's that is right
here but leans on something that the emulator invented would not be found by the emulator itself.

    pip install triton numpy          # no GPU is needed
    python3 test/triton_kernels.py FOLDER     # the folder that buildEmulator() gives

Factors are small integers, so that results are exact in every type, and equality is what is asked for.
"""

import ctypes
import itertools
import os
import re
import sys
from dataclasses import dataclass

import numpy as np

os.environ["CUDA_EMULATOR_CAPABILITY"] = "9.0"
os.environ.setdefault("TRITON_DEFAULT_FP_FUSION", "1")

import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

# The newest version of PTX that the emulator's driver is for. Triton writes the one of its own assembler.
PTX_VERSION = "8.8"
# By the driver's header.
DYNAMIC_SHARED_BYTES = 8
ERROR_LOG = 5
ERROR_LOG_BYTES = 6
TENSOR_MAP_BYTES = 128
TENSOR_MAP_TYPES = {"fp16": 6, "fp32": 7, "bf16": 9}


@triton.jit
def by_pointers(a, b, c, K, am, ak, bk, bn, N, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    rows = tl.program_id(0) * BM + tl.arange(0, BM)
    columns = tl.program_id(1) * BN + tl.arange(0, BN)
    depth = tl.arange(0, BK)
    x = a + rows[:, None] * am + depth[None, :] * ak
    y = b + depth[:, None] * bk + columns[None, :] * bn
    sums = tl.zeros((BM, BN), dtype=tl.float32)
    for k in range(0, K, BK):
        inside = depth + k < K
        sums = tl.dot(tl.load(x, mask=inside[None, :], other=0.0), tl.load(y, mask=inside[:, None], other=0.0), sums)
        x += BK * ak
        y += BK * bk
    tl.store(c + rows[:, None] * N + columns[None, :], sums)


@triton.jit
def by_tensor_maps(a, b, c, K, N, A_TURNED: tl.constexpr, B_TURNED: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    row = tl.program_id(0) * BM
    column = tl.program_id(1) * BN
    sums = tl.zeros((BM, BN), dtype=tl.float32)
    for k in range(0, K, BK):
        x = a.load([k, row]).T if A_TURNED else a.load([row, k])
        y = b.load([column, k]).T if B_TURNED else b.load([k, column])
        sums = tl.dot(x, y, sums)
    rows = row + tl.arange(0, BM)
    columns = column + tl.arange(0, BN)
    tl.store(c + rows[:, None] * N + columns[None, :], sums)


@dataclass(frozen=True)
class Case:
    by: str  # "pointers" or "tensor maps"
    capability: int
    dtype: str
    tile: tuple[int, int, int]
    warps: int
    stages: int
    # Whether the factors' lines run along the depth.
    a_deep: bool
    b_deep: bool

    def __str__(self):
        lines = "".join("deep " if deep else "wide " for deep in (self.a_deep, self.b_deep))
        tile = "x".join(map(str, self.tile))
        return f"{self.by:11} sm_{self.capability} {self.dtype} {tile:11} {lines}{self.warps} warps, {self.stages} stages"


TILES = [
    ((64, 64, 64), 4, 4),
    ((128, 64, 128), 4, 2),
    ((128, 128, 64), 4, 3),
    ((64, 256, 64), 4, 3),
    ((128, 256, 64), 8, 3),
    ((256, 128, 64), 8, 3),
]


def cases():
    for a_deep, b_deep in itertools.product((True, False), (True, False)):
        for dtype in ("fp16", "bf16"):
            for tile, warps, stages in TILES:
                yield Case("pointers", 90, dtype, tile, warps, stages, a_deep, b_deep)
            yield Case("tensor maps", 90, dtype, (128, 128, 64), 4, 3, a_deep, b_deep)
            yield Case("tensor maps", 90, dtype, (128, 256, 64), 8, 4, a_deep, b_deep)
            yield Case("pointers", 80, dtype, (128, 128, 64), 4, 3, a_deep, b_deep)
            yield Case("pointers", 80, dtype, (64, 128, 32), 4, 4, a_deep, b_deep)
        yield Case("pointers", 80, "fp32", (128, 128, 32), 4, 3, a_deep, b_deep)
    yield Case("pointers", 90, "fp32", (128, 128, 32), 4, 3, True, True)


def compiled(case):
    BM, BN, BK = case.tile
    target = GPUTarget("cuda", case.capability, 32)
    options = {"num_warps": case.warps, "num_stages": case.stages}
    sizes = {"BM": BM, "BN": BN, "BK": BK}
    if case.by == "tensor maps":
        block = lambda rows, columns: f"tensordesc<{case.dtype}[{rows},{columns}]>"
        signature = {
            "a": block(BM, BK) if case.a_deep else block(BK, BM),
            "b": block(BN, BK) if case.b_deep else block(BK, BN),
            "c": "*fp32",
            "K": "i32",
            "N": "i32",
        }
        constants = sizes | {"A_TURNED": not case.a_deep, "B_TURNED": case.b_deep}
        function, aligned = by_tensor_maps, ("c", "K", "N")
    else:
        signature = {name: f"*{case.dtype}" for name in "ab"} | {"c": "*fp32"}
        signature |= {name: "i32" for name in ("K", "am", "ak", "bk", "bn", "N")}
        # Steps of one are constants, as they are when a program calls Triton.
        constants = sizes | {"ak" if case.a_deep else "am": 1, "bk" if case.b_deep else "bn": 1}
        function, aligned = by_pointers, ("a", "b", "c", "K", "am", "ak", "bk", "bn", "N")
    signature |= {name: "constexpr" for name in constants}
    names = function.arg_names
    attributes = {(names.index(name),): [["tt.divisibility", 16]] for name in aligned if name not in constants}
    signature = {name: signature[name] for name in names}
    return triton.compile(ASTSource(function, signature, constants, attributes), target=target, options=options)


class Driver:
    def __init__(self, folder):
        self.library = ctypes.CDLL(os.path.join(folder, "libcuda.so.1"))
        device, context = ctypes.c_int(), ctypes.c_void_p()
        self.call("cuInit", 0)
        self.call("cuDeviceGet", ctypes.byref(device), 0)
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self.call("cuCtxSetCurrent", context)

    def call(self, name, *arguments):
        status = getattr(self.library, name)(*arguments)
        if status != 0:
            raise RuntimeError(f"{name}: {status}")

    def allocate(self, size):
        pointer = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(size))
        return pointer.value

    def free(self, pointer):
        self.call("cuMemFree_v2", ctypes.c_uint64(pointer))

    def upload(self, array):
        pointer = self.allocate(array.nbytes)
        self.call("cuMemcpyHtoDAsync_v2", ctypes.c_uint64(pointer), array.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(array.nbytes), None)
        self.call("cuCtxSynchronize")
        return pointer

    def download(self, pointer, shape):
        array = np.empty(shape, np.float32)
        self.call("cuMemcpyDtoHAsync_v2", array.ctypes.data_as(ctypes.c_void_p), ctypes.c_uint64(pointer), ctypes.c_size_t(array.nbytes), None)
        self.call("cuCtxSynchronize")
        return array

    def function(self, ptx, name):
        module, function = ctypes.c_void_p(), ctypes.c_void_p()
        log = ctypes.create_string_buffer(4096)
        options = (ctypes.c_int * 2)(ERROR_LOG, ERROR_LOG_BYTES)
        values = (ctypes.c_void_p * 2)(ctypes.addressof(log), len(log))
        status = self.library.cuModuleLoadDataEx(ctypes.byref(module), ptx.encode() + b"\0", 2, options, values)
        if status != 0:
            raise RuntimeError(f"cuModuleLoadDataEx: {status}: {log.value.decode()}")
        self.call("cuModuleGetFunction", ctypes.byref(function), module, name.encode())
        return function

    def launch(self, function, grid, threads, shared, arguments):
        self.call("cuFuncSetAttribute", function, DYNAMIC_SHARED_BYTES, shared)
        pointers = (ctypes.c_void_p * len(arguments))(*map(ctypes.addressof, arguments))
        self.call("cuLaunchKernel", function, *grid, 1, threads, 1, 1, shared, None, pointers, None)
        self.call("cuCtxSynchronize")

    def tensor_map(self, dtype, meta, pointer, rows, columns):
        """What Triton's runtime makes for a matrix in rows, and what the kernel is told of it."""
        # The driver wants the map at an address that is a multiple of 64.
        room = ctypes.create_string_buffer(TENSOR_MAP_BYTES + 64)
        start = (ctypes.addressof(room) + 63) // 64 * 64
        pair = lambda kind, *values: (kind * len(values))(*values)
        box = meta["block_size"]
        self.call(
            "cuTensorMapEncodeTiled", ctypes.c_void_p(start), TENSOR_MAP_TYPES[dtype], 2, ctypes.c_uint64(pointer),
            pair(ctypes.c_uint64, columns, rows), pair(ctypes.c_uint64, columns * meta["elem_size"]),
            pair(ctypes.c_uint32, box[1], box[0]), pair(ctypes.c_uint32, 1, 1),
            0, meta["swizzle"], 2, 0,
        )  # fmt: skip
        filled = (ctypes.c_char * TENSOR_MAP_BYTES).from_address(start)
        filled.kept = room
        return [filled, ctypes.c_uint32(rows), ctypes.c_uint32(columns), ctypes.c_uint64(columns), ctypes.c_uint64(1)]


def stored(values, dtype):
    if dtype == "bf16":
        return np.ascontiguousarray((values.view(np.uint32) >> 16).astype(np.uint16))
    return np.ascontiguousarray(values.astype({"fp16": np.float16, "fp32": np.float32}[dtype]))


def run(driver, case, random):
    kernel = compiled(case)
    ptx = re.sub(r"\.version \d+\.\d+", f".version {PTX_VERSION}", kernel.asm["ptx"])
    # The emulator asks for what Triton leaves to the barrier of the block.
    ptx = re.sub(r"(mbarrier\.init\S* [^;]*;)", r"\1 fence.proxy.async.shared::cta;", ptx)
    BM, BN, BK = case.tile
    M, N, K = 2 * BM, 2 * BN, 5 * BK
    a = random.integers(-4, 5, (M, K)).astype(np.float32)
    b = random.integers(-4, 5, (K, N)).astype(np.float32)
    factors = [stored(np.ascontiguousarray(a if case.a_deep else a.T), case.dtype), stored(np.ascontiguousarray(b.T if case.b_deep else b), case.dtype)]
    x, y = map(driver.upload, factors)
    c = driver.allocate(4 * M * N)
    number = lambda n: ctypes.c_int32(n)
    pointer = lambda p: ctypes.c_uint64(p)
    if case.by == "tensor maps":
        metas = kernel.metadata.tensordesc_meta
        maps = [driver.tensor_map(case.dtype, meta, p, *factor.shape) for meta, p, factor in zip(metas, (x, y), factors)]
        arguments = [*maps[0], *maps[1], pointer(c), number(K), number(N)]
    else:
        arguments = [pointer(x), pointer(y), pointer(c), number(K), number(K if case.a_deep else M), number(K if case.b_deep else N), number(N)]
    # Triton adds pointers to memory that these kernels have no need of.
    expected = re.search(r"\.entry \w+\((.*?)\)", ptx, re.DOTALL).group(1).count(".param")
    arguments += [pointer(0)] * (expected - len(arguments))
    driver.launch(driver.function(ptx, kernel.metadata.name), (M // BM, N // BN), 32 * case.warps, kernel.metadata.shared, arguments)
    result = driver.download(c, (M, N))
    for each in (x, y, c):
        driver.free(each)
    wrong = int((result != a @ b).sum())
    instruction = next(name for name in ("wgmma", "mma") if f"{name}." in ptx)
    return f"{instruction}: " + ("equal" if wrong == 0 else f"{wrong} of {result.size} differ"), wrong == 0


def main(folder):
    driver = Driver(folder)
    random = np.random.default_rng(0)
    failed = 0
    for case in cases():
        try:
            words, right = run(driver, case, random)
        except (AttributeError, RuntimeError) as error:
            words, right = str(error).split("\n")[0], False
        print(case, words)
        failed += not right
    print(f"{failed} failed" if failed else "all equal")
    return failed


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
