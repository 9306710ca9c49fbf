"""What does it cost to type a file by its first bytes, and to receive one durably?

Typing is measured beside filetype and python-magic on the same bytes; receiving 10 MB beside hashing, writing
and syncing them by hand in the same C++ program, on the disk of the build folder. Images are
also decoded by hand.
"""

from __future__ import annotations

from importlib.metadata import version

import filetype
import magic

import program
from consilia import uploads
from rows import ROOT, Row, Work, interleaved, write

LIMIT_S = 0.2e-6
IMAGES = ("phantom.jpg", "phantom.png")


def typing_rows() -> list[Row]:
    """Typing, beside both peers and beside the promise."""
    rows = []
    for name in IMAGES:
        head = (ROOT / "tests" / "support" / name).read_bytes()[:4096]
        kind, media = uploads.detect_type(head), magic.from_buffer(head, mime=True)
        if kind is None or not uploads.media_type(kind) == filetype.guess_mime(head) == media:
            raise RuntimeError(f"the types of {name} differ")
        ours, first, second = interleaved(
            15,
            [
                Work(lambda head=head: uploads.detect_type(head)),
                Work(lambda head=head: filetype.guess_mime(head)),
                Work(lambda head=head: magic.from_buffer(head, mime=True)),
            ],
            sample_s=0.05,
        )
        case = f"Python: the type of {name}"
        rows.append(Row(case, ours.median * 1e9, LIMIT_S * 1e9, "ns", 1.0, "0.2 µs"))
        rows.append(Row.of(case, ours, first, None, against="filetype", unit="ns"))
        rows.append(Row.of(case, ours, second, None, against="python-magic", unit="ns"))
    return rows


def receiving_rows() -> list[Row]:
    """Receiving, beside doing it by hand."""
    samples = program.measure("uploads_bench", "^Uploads/(Hash|Decode|Receive)")
    by_hand = "hash, write, sync"
    return [
        Row.of(
            "C++: receive a table of 10 MB",
            samples["Uploads/Receive/text"],
            samples["Uploads/HashWriteSync/text"],
            1.15,
            against=by_hand,
            unit="ms",
        ),
        Row.of(
            "C++: the same, its name may be lost",
            samples["Uploads/Receive/text"],
            samples["Uploads/HashWriteSync/text_without_its_name"],
            None,
            against=by_hand,
            unit="ms",
        ),
        *(
            Row.of(
                f"C++: receive a {kind} of 20 megapixels",
                samples[f"Uploads/Receive/{kind}"],
                samples[f"Uploads/DecodeHashWriteSync/{kind}"],
                1.15,
                against=f"decode, {by_hand}",
                unit="ms",
            )
            for kind in ("jpeg", "png")
        ),
    ]


def main() -> None:
    """Measures and writes all rows."""
    rows = typing_rows() + receiving_rows()
    write("uploads", rows, {name: version(name) for name in ("filetype", "python-magic")})


if __name__ == "__main__":
    main()
