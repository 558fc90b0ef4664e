"""HylaFAX's status codes: the number in a qfile's ``statuscode``, and the text that users and templates see.

The numbers and texts are those of HylaFAX 6.0.7's ``Status(number, "text")`` (faxd/ClassModem.c++, Class1*.c++, FaxSend.c++,
FaxRecv.c++, faxGettyApp.c++, faxQueueApp.c++).  Only the codes that a fax over IP can end with are listed.
"""

from __future__ import annotations

from enum import IntEnum


class StatusCode(IntEnum):
    """A status code; :attr:`text` is native's text for it."""

    NONE = 0
    # dialling (faxd/ClassModem.c++)
    BUSY = 1
    NO_CARRIER = 2
    NO_ANSWER = 3
    NO_DIALTONE = 4
    INVALID_DIAL = 5
    UNKNOWN_PROBLEM = 6
    PHASE_A_FAILURE = 7
    DATA_CONNECTION = 8
    GLARE = 9
    BLACKLISTED = 10
    RINGBACK_ONLY = 11
    # T.30 (faxd/Class1.c++, Class1Recv.c++, Class1Send.c++)
    NO_SILENCE = 100
    NO_SENDER = 102
    RSPREC_DCN = 103
    RSPREC_INVALID = 104
    RECEIVE_TRAINING_FAILED = 105
    NOT_AFTER_DIS = 107
    SENDER_ABORT = 108
    NO_RESPONSE_RNR = 109
    COMREC_INVALID = 110
    PAGE_TIMEOUT = 111
    NO_HIGH_SPEED_CARRIER = 112
    T2_TIMEOUT = 118
    PPS_INVALID = 119
    NO_ECM_SYNCHRONIZATION = 120
    ECM_PAGE_EMPTY = 121
    NO_T4_RECEIVER = 122
    DTC_NOT_DIS = 123
    COMREC_DCN = 124
    NO_DIS = 125
    NO_RECEIVER = 126
    DISCONNECTED = 128
    PROCEDURE_INTERRUPT = 129
    PAGE_RTN = 130
    PAGE_3_ATTEMPTS = 131
    PAGE_NAK_ALL_RATES = 132
    PAGE_NAK_OPERATOR = 133
    UNKNOWN_FRAME = 134
    COMMAND_REPEATED = 135
    DCS_NOT_RECOGNIZED = 136
    TRAINING_FAILED = 137
    FLOW_CONTROL = 138
    NO_RESPONSE_RR = 139
    RR_INVALID = 140
    NO_RESPONSE_CTC = 141
    CTC_INVALID = 142
    ECM_NOT_CLEAN = 143
    NO_RESPONSE_EOR = 144
    EOR_INVALID = 145
    PPS_ANSWER_INVALID = 146
    NO_RESPONSE_PPS = 147
    NO_MESSAGE_CARRIER = 148
    PHASE_C_ERROR = 149
    NO_RESPONSE_MPS = 150
    NO_RESPONSE_EOP = 151
    NO_RESPONSE_EOM = 152
    NO_RESPONSE_PPM = 153
    NO_CARRIER_DROP = 154
    PPM_WITHOUT_IMAGE = 155
    # the server (faxd/FaxServer, faxGettyApp, faxSendApp, faxQueueApp)
    RECEIVE_ABORTED = 301
    MAX_PAGES_RECEIVED = 304
    DYNAMIC_CONFIG_FORK = 305
    DYNAMIC_CONFIG_STATUS = 306
    CALL_REJECTED = 308
    PREPARATION_FAILED = 314
    INVALID_TIFF = 321
    NO_DOCUMENTS = 323
    NO_POLLING = 324
    KILL_TIME_EXPIRED = 325
    INVALID_QFILE = 326
    TOO_MANY_DIALS = 333
    TOO_MANY_TRIES = 334
    TOO_MANY_PAGES = 335
    CONCURRENT_CALLS = 337
    TIME_OF_DAY = 338
    TERMINATED_ABNORMALLY = 343
    INTERRUPTED = 344
    ABORTED = 345
    CANNOT_LOCK_MODEM = 346
    REJECTED = 348
    TSI_DENIED = 350
    PWD_DENIED = 351
    SEND_ABORTED = 352
    # capabilities (faxd/FaxSend.c++)
    RATE_UNSUPPORTED = 400
    FORMAT_UNSUPPORTED = 402
    MMR_UNSUPPORTED = 403
    MMR_WITHOUT_ECM = 405
    MR_UNSUPPORTED = 406
    FAX_SETUP = 420
    MODEM_SETUP = 422
    # polling and files
    NO_DOCUMENT_TO_POLL = 601
    CANNOT_OPEN_RECEIVE_FILE = 901
    CANNOT_CREATE_RECEIVE_FILE = 902
    CANNOT_READ_DOCUMENT = 903
    CANNOT_OPEN_DOCUMENT = 904
    POLL_INTERNAL = 907
    WRITE_ERROR = 908
    UNCODED = 999

    @property
    def text(self) -> str:
        """Native's text; empty for NONE and for codes whose text native composes for each case."""
        return _TEXTS.get(self, "")


_TEXTS: dict[StatusCode, str] = {
    StatusCode.BUSY: "Busy signal detected",
    StatusCode.NO_CARRIER: "No carrier detected",
    StatusCode.NO_ANSWER: "No answer from remote",
    StatusCode.NO_DIALTONE: "No local dialtone",
    StatusCode.INVALID_DIAL: "Invalid dialing command",
    StatusCode.UNKNOWN_PROBLEM: "Unknown problem",
    StatusCode.PHASE_A_FAILURE: "Carrier established, but Phase A failure",
    StatusCode.DATA_CONNECTION: "Data connection established (wanted fax)",
    StatusCode.GLARE: "Glare - RING detected",
    StatusCode.BLACKLISTED: "Blacklisted by modem",
    StatusCode.RINGBACK_ONLY: "Ringback detected, no answer without CED",
    StatusCode.NO_SILENCE: "Failure to receive silence (synchronization failure).",
    StatusCode.NO_SENDER: "No sender protocol (T.30 T1 timeout)",
    StatusCode.RSPREC_DCN: "RSPREC error/got DCN (receiver abort)",
    StatusCode.RSPREC_INVALID: "RSPREC invalid response received",
    StatusCode.RECEIVE_TRAINING_FAILED: "Failure to train modems",
    StatusCode.NOT_AFTER_DIS: "Can not continue after DIS/DTC",
    StatusCode.SENDER_ABORT: "COMREC received DCN (sender abort)",
    StatusCode.NO_RESPONSE_RNR: "No response to RNR repeated 3 times.",
    StatusCode.COMREC_INVALID: "COMREC invalid response received",
    StatusCode.PAGE_TIMEOUT: "V.21 signal reception timeout; expected page possibly not received in full",
    StatusCode.NO_HIGH_SPEED_CARRIER: "Failed to properly detect high-speed data carrier.",
    StatusCode.T2_TIMEOUT: "T.30 T2 timeout, expected signal not received",
    StatusCode.PPS_INVALID: "COMREC invalid partial-page signal received",
    StatusCode.NO_ECM_SYNCHRONIZATION: "Cannot synchronize ECM frame reception.",
    StatusCode.ECM_PAGE_EMPTY: "ECM page received containing no image data.",
    StatusCode.NO_T4_RECEIVER: "Remote has no T.4 receiver capability",
    StatusCode.DTC_NOT_DIS: "DTC received when expecting DIS (not supported)",
    StatusCode.COMREC_DCN: "COMREC error in transmit Phase B/got DCN",
    StatusCode.NO_DIS: "COMREC invalid command received/no DIS or DTC",
    StatusCode.NO_RECEIVER: "No receiver protocol (T.30 T1 timeout)",
    StatusCode.DISCONNECTED: "Remote fax disconnected prematurely",
    StatusCode.PROCEDURE_INTERRUPT: "Procedure interrupt (operator intervention)",
    StatusCode.PAGE_RTN: "Unable to transmit page (giving up after RTN)",
    StatusCode.PAGE_3_ATTEMPTS: "Unable to transmit page (giving up after 3 attempts)",
    StatusCode.PAGE_NAK_ALL_RATES: "Unable to transmit page (NAK at all possible signalling rates)",
    StatusCode.PAGE_NAK_OPERATOR: "Unable to transmit page (NAK with operator intervention)",
    StatusCode.UNKNOWN_FRAME: "Fax protocol error (unknown frame received)",
    StatusCode.COMMAND_REPEATED: "Fax protocol error (command repeated 3 times)",
    StatusCode.DCS_NOT_RECOGNIZED: "DIS/DTC received 3 times; DCS not recognized",
    StatusCode.TRAINING_FAILED: "Failure to train remote modem at 2400 bps or minimum speed",
    StatusCode.FLOW_CONTROL: "Receiver flow control exceeded timer.",
    StatusCode.NO_RESPONSE_RR: "No response to RR repeated 3 times.",
    StatusCode.RR_INVALID: "COMREC invalid response received to RR.",
    StatusCode.NO_RESPONSE_CTC: "No response to CTC repeated 3 times.",
    StatusCode.CTC_INVALID: "COMREC invalid response received to CTC.",
    StatusCode.ECM_NOT_CLEAN: "Failure to transmit clean ECM image data.",
    StatusCode.NO_RESPONSE_EOR: "No response to EOR repeated 3 times.",
    StatusCode.EOR_INVALID: "COMREC invalid response received to EOR.",
    StatusCode.PPS_ANSWER_INVALID: "COMREC invalid response received to PPS.",
    StatusCode.NO_RESPONSE_PPS: "No response to PPS repeated 3 times.",
    StatusCode.NO_MESSAGE_CARRIER: "Unable to establish message carrier",
    StatusCode.PHASE_C_ERROR: "Unspecified Transmit Phase C error",
    StatusCode.NO_RESPONSE_MPS: "No response to MPS repeated 3 tries",
    StatusCode.NO_RESPONSE_EOP: "No response to EOP repeated 3 tries",
    StatusCode.NO_RESPONSE_EOM: "No response to EOM repeated 3 tries",
    StatusCode.NO_RESPONSE_PPM: "No response to PPM repeated 3 tries",
    StatusCode.NO_CARRIER_DROP: "Timeout waiting for Phase C carrier drop",
    StatusCode.PPM_WITHOUT_IMAGE: "PPM received with no image data.  To continue risks receipt confirmation.",
    StatusCode.RECEIVE_ABORTED: "Receive aborted due to operator intervention",
    StatusCode.MAX_PAGES_RECEIVED: "Maximum receive page count exceeded, call terminated",
    StatusCode.DYNAMIC_CONFIG_FORK: "Could not fork for local ID",
    StatusCode.DYNAMIC_CONFIG_STATUS: "Bad exit status",
    StatusCode.CALL_REJECTED: "ANSWER: CALL REJECTED",
    StatusCode.PREPARATION_FAILED: "Document preparation failed",
    StatusCode.INVALID_TIFF: "Converted document is not valid TIFF",
    StatusCode.NO_DOCUMENTS: "Job contains no documents",
    StatusCode.NO_POLLING: "Modem does not support polling",
    StatusCode.KILL_TIME_EXPIRED: "Kill time expired",
    StatusCode.INVALID_QFILE: "Invalid or corrupted job description file",
    StatusCode.TOO_MANY_DIALS: "too many attempts to dial",
    StatusCode.TOO_MANY_TRIES: "too many attempts to send",
    StatusCode.TOO_MANY_PAGES: "REJECT: Too many pages in submission",
    StatusCode.CONCURRENT_CALLS: "Blocked by concurrent calls",
    StatusCode.TIME_OF_DAY: "Delayed by time-of-day restrictions",
    StatusCode.TERMINATED_ABNORMALLY: "Send program terminated abnormally",
    StatusCode.INTERRUPTED: "Job interrupted by user",
    StatusCode.ABORTED: "Call aborted by user",
    StatusCode.CANNOT_LOCK_MODEM: "Can not lock modem device",
    StatusCode.REJECTED: "REJECT",
    StatusCode.TSI_DENIED: "Permission denied (unnacceptable client TSI)",
    StatusCode.PWD_DENIED: "Permission denied (unnacceptable client PWD)",
    StatusCode.SEND_ABORTED: "Send aborted due to operator intervention",
    StatusCode.RATE_UNSUPPORTED: "Modem does not support negotiated signalling rate",
    StatusCode.FORMAT_UNSUPPORTED: "Document is not in a Group 3 or Group 4 compatible format",
    StatusCode.MMR_UNSUPPORTED: "Document was encoded with 2DMMR, but client does not support this data format",
    StatusCode.MMR_WITHOUT_ECM: "Document was encoded with 2DMMR, but ECM is not being used.",
    StatusCode.MR_UNSUPPORTED: "Document was encoded with 2DMR, but client does not support this data format",
    StatusCode.FAX_SETUP: "Unable to configure modem for fax use",
    StatusCode.MODEM_SETUP: "Can not setup modem",
    StatusCode.NO_DOCUMENT_TO_POLL: "remote has no document to poll",
    StatusCode.CANNOT_OPEN_RECEIVE_FILE: "Unable to open TIFF file for writing",
    StatusCode.CANNOT_CREATE_RECEIVE_FILE: "Unable to create temp file for received data",
    StatusCode.CANNOT_READ_DOCUMENT: "Can not set directory in document file",
    StatusCode.CANNOT_OPEN_DOCUMENT: "Can not open document file",
    StatusCode.POLL_INTERNAL: "polling operation not done because of internal failure",
    StatusCode.WRITE_ERROR: "Write error to file",
    StatusCode.UNCODED: "Giving up after 3 attempts to send same page",
}


def append(text: str, more: str) -> str:
    """Two status texts joined as faxd's ``Status::append`` does; the code of the second one counts."""
    return f"{text}; {more}" if text else more
