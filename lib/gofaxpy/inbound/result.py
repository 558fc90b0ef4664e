"""What SpanDSP's result of a reception is to HylaFAX."""

from __future__ import annotations

from gofaxpy.hylafax.params import FaxParams
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.switch.faxresult import FaxResult, ResultCode
from gofaxpy.transfer import params_of

NOT_KEPT = "A page could not be written to the disk"

# What native HylaFAX calls the ends of a reception that SpanDSP names otherwise.
REASONS: dict[ResultCode, StatusCode] = {
    ResultCode.T1_EXPIRED: StatusCode.NO_SENDER,
    ResultCode.T0_EXPIRED: StatusCode.NO_SENDER,
    ResultCode.CALLDROPPED: StatusCode.T2_TIMEOUT,
    ResultCode.RX_T2EXP: StatusCode.T2_TIMEOUT,
    ResultCode.RX_T2EXPD: StatusCode.T2_TIMEOUT,
    ResultCode.RX_T2EXPDCN: StatusCode.T2_TIMEOUT,
    ResultCode.RX_T2EXPFAX: StatusCode.T2_TIMEOUT,
    ResultCode.RX_T2EXPMPS: StatusCode.T2_TIMEOUT,
    ResultCode.RX_T2EXPRR: StatusCode.T2_TIMEOUT,
    ResultCode.RX_GOTDCS: StatusCode.SENDER_ABORT,
    ResultCode.CANNOT_TRAIN: StatusCode.RECEIVE_TRAINING_FAILED,
    ResultCode.FILEERROR: StatusCode.CANNOT_OPEN_RECEIVE_FILE,
}


def reason_of(fax: FaxResult | None) -> str:
    """Why a reception failed, in native's words where it has some; ``""`` for a good one."""
    if fax is None:
        return StatusCode.T2_TIMEOUT.text
    if fax.success:
        return ""
    code = REASONS.get(fax.code)
    return code.text if code is not None else fax.text or StatusCode.T2_TIMEOUT.text


def transfer_params(fax: FaxResult | None) -> FaxParams:
    """The transfer parameters as HylaFAX encodes them, from what SpanDSP reports."""
    return FaxParams() if fax is None else params_of(fax)


def spoke_fax(fax: FaxResult | None, pages: int) -> bool:
    """Whether there was a fax machine at the other end, as far as can be told: only then is there a fax to speak of."""
    return bool(pages or (fax is not None and (fax.remote_station or fax.negotiations)))
