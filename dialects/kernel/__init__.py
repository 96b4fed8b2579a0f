"""The `kernel` dialect: how each piece is executed, one output point as a function of reads."""

from xdsl.ir import Dialect

from webdnn.dialects.kernel import lanewise
from webdnn.dialects.kernel.access import PrefetchOp, ReadOp, WriteOp
from webdnn.dialects.kernel.attributes import LayersAttr, ReduceKindAttr, ScheduleAttr, UnrollAttr
from webdnn.dialects.kernel.fold import FoldOp
from webdnn.dialects.kernel.indexing import IndexOp, InsideOp, TableOp
from webdnn.dialects.kernel.lanes import LanesOp
from webdnn.dialects.kernel.loops import ScanOp
from webdnn.dialects.kernel.pairs import DotPairsOp, SpreadBytesOp
from webdnn.dialects.kernel.program import AllocOp, CallOp, ConcatOp, ReshapeOp, WeightOp
from webdnn.dialects.kernel.structure import ComputeOp, FuncOp, IdOp, ReduceOp, YieldOp
from webdnn.dialects.kernel.subgroup import SubgroupReduceOp, SubgroupShuffleOp
from webdnn.dialects.kernel.workgroup import BarrierOp

KERNEL = Dialect(
    "kernel",
    [
        AllocOp,
        BarrierOp,
        CallOp,
        ComputeOp,
        ConcatOp,
        DotPairsOp,
        FoldOp,
        FuncOp,
        IdOp,
        IndexOp,
        InsideOp,
        LanesOp,
        PrefetchOp,
        ReadOp,
        ReduceOp,
        ReshapeOp,
        ScanOp,
        SpreadBytesOp,
        SubgroupReduceOp,
        SubgroupShuffleOp,
        TableOp,
        WeightOp,
        WriteOp,
        YieldOp,
        *lanewise.OPERATIONS,
    ],
    [LayersAttr, ReduceKindAttr, ScheduleAttr, UnrollAttr],
)
