"""SpanDSP's result of a reception in HylaFAX's terms."""

from __future__ import annotations

from gofaxpy.hylafax.params import FaxParams
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.switch.faxresult import FaxResult, ResultCode
from gofaxpy.transfer import params_of

NOT_KEPT = "A page could not be written to the disk"

# HylaFAX's own texts for the results of a reception that SpanDSP names otherwise.
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
    """Why a reception failed, ``""`` if it did not: HylaFAX's text if it has one for the result, else SpanDSP's.

    None stands for a fax without a result: the call was dropped.
    """
    if fax is None:
        return StatusCode.T2_TIMEOUT.text
    if fax.success:
        return ""
    code = REASONS.get(fax.code)
    return code.text if code is not None else fax.text or StatusCode.T2_TIMEOUT.text


def transfer_params(fax: FaxResult | None) -> FaxParams:
    """The transfer parameters of a fax as HylaFAX encodes them."""
    return FaxParams() if fax is None else params_of(fax)


def spoke_fax(fax: FaxResult | None, pages: int) -> bool:
    """Whether the far end was a fax machine: pages came, or it named its station, or the modems negotiated.

    HylaFAX records and announces a fax only then.
    """
    return bool(pages or (fax is not None and (fax.remote_station or fax.negotiations)))
