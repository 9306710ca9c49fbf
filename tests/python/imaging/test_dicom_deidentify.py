"""Files without their patients: PS3.15's basic profile, held to files that pydicom wrote."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from dicom_files import SAMPLES, data_set, encoded, read, sample
from pydicom.datadict import DicomDictionary, dictionary_VR
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

import consilia
from consilia import dicom, imaging

KEY = b"sixteen bytes or more"
PIXELS = np.random.default_rng(3).integers(0, 4096, (9, 7))
SECRET = "SECRET"


def patient_file(**more: object) -> FileDataset:
    data = data_set(PIXELS, bits=12, **more)
    data.StudyInstanceUID = "1.2.826.0.1.1"
    data.SeriesInstanceUID = "1.2.826.0.1.2"
    data.StudyDate = "20240301"
    data.StudyTime = "101530"
    data.AcquisitionDateTime = "20240301101531.5"
    data.PatientBirthDate = "19700101"
    data.AccessionNumber = SECRET
    data.PatientComments = SECRET
    data.InstitutionName = SECRET
    data.Manufacturer = "Maker"
    data.Modality = "DX"
    item = Dataset()
    item.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    item.ReferencedSOPInstanceUID = data.SOPInstanceUID
    item.PatientID = SECRET
    data.ReferencedImageSequence = [item]
    return data


def with_identifying_parts(data: FileDataset) -> FileDataset:
    block = data.private_block(0x0009, SECRET, create=True)
    block.add_new(1, "LO", SECRET)
    data.add_new(0x60000010, "US", 1)
    data.add_new(0x60003000, "OW", SECRET.encode())
    data.add_new(0x50003000, "OW", SECRET.encode())
    data.add_new(0x00189999, "UN", SECRET.encode())
    data.add_new(0xFFFCFFFC, "OB", b"\0" * 32)
    data.file_meta.SourceApplicationEntityTitle = SECRET
    data.file_meta.PrivateInformationCreatorUID = "1.2.3.999"
    data.file_meta.PrivateInformation = SECRET.encode()
    return data


SYNTAXES = [None, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian]


@pytest.mark.parametrize("syntax", SYNTAXES, ids=["explicit", "implicit", "deflated"])
def test_what_identifies_is_gone_and_the_image_stays(syntax: str | None) -> None:
    data = with_identifying_parts(patient_file())
    if syntax:
        data.file_meta.TransferSyntaxUID = syntax
    clean = dicom.deidentify(encoded(data), key=KEY)
    after = read(clean)
    text = str(after) + str(after.file_meta)
    assert SECRET not in text and SECRET.encode() not in clean
    assert "Doe" not in text and "P-0001" not in text
    assert after.PixelData == data.PixelData
    np.testing.assert_array_equal(dicom.values(clean), PIXELS)
    assert after.file_meta.TransferSyntaxUID == data.file_meta.TransferSyntaxUID
    assert [element.tag for element in after if element.tag.is_private] == []
    assert 0x00189999 not in after and 0xFFFCFFFC not in after
    assert (after.Modality, after.Manufacturer) == ("DX", "Maker")
    assert (after.PatientIdentityRemoved, after.LongitudinalTemporalInformationModified) == ("YES", "REMOVED")
    assert after.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
    assert imaging.probe(clean).width == 7


def test_the_actions_are_those_of_the_table() -> None:
    after = read(dicom.deidentify(encoded(patient_file()), key=KEY))
    assert after.PatientName == "" and after.PatientID == "ANONYMOUS"  # Z, Z/D
    assert after.AccessionNumber == "" and after.StudyDate == ""  # Z
    assert "PatientComments" not in after  # X
    assert after.InstitutionName == "ANONYMOUS"  # X/Z/D: a dummy suits every IOD
    assert after.AcquisitionDateTime == "19000101000000"  # X/Z/D
    assert after.StudyInstanceUID.startswith("2.25.")  # U
    assert "PatientID" in after.ReferencedImageSequence[0]  # X/Z/U*: its items are cleaned
    assert after.ReferencedImageSequence[0].PatientID == "ANONYMOUS"


def test_uids_are_replaced_alike_wherever_they_stand() -> None:
    data = patient_file()
    after = read(dicom.deidentify(encoded(data), key=KEY))
    assert after.SOPInstanceUID != data.SOPInstanceUID
    assert after.SOPInstanceUID == after.file_meta.MediaStorageSOPInstanceUID
    assert after.SOPInstanceUID == after.ReferencedImageSequence[0].ReferencedSOPInstanceUID
    assert after.SOPClassUID == data.SOPClassUID == after.file_meta.MediaStorageSOPClassUID
    assert len({after.SOPInstanceUID, after.StudyInstanceUID, after.SeriesInstanceUID}) == 3
    for uid in (after.SOPInstanceUID, after.StudyInstanceUID):
        assert uid.is_valid and int(uid.removeprefix("2.25.")) < 2**128

    other = patient_file(SOPInstanceUID="1.2.3.9")
    assert read(dicom.deidentify(encoded(other), key=KEY)).StudyInstanceUID == after.StudyInstanceUID
    strange = read(dicom.deidentify(encoded(data), key=b"another secret key"))
    assert strange.StudyInstanceUID != after.StudyInstanceUID


def test_the_same_key_gives_the_same_bytes_and_no_key_never_does() -> None:
    file = encoded(with_identifying_parts(patient_file()))
    assert dicom.deidentify(file, key=KEY) == dicom.deidentify(file, key=KEY)
    assert dicom.deidentify(file) != dicom.deidentify(file)


def without_uids(file: bytes) -> str:
    data = read(file)
    del data.file_meta.MediaStorageSOPInstanceUID
    data.walk(lambda parent, element: parent.pop(element.tag) if element.VR == "UI" else None)
    return str(data)


@pytest.mark.parametrize("name", sorted(path.stem for path in SAMPLES.glob("*.dcm")))
def test_twice_is_once_but_for_uids(name: str) -> None:
    once = dicom.deidentify(sample(name), key=KEY)
    twice = dicom.deidentify(once, key=KEY)
    assert without_uids(once) == without_uids(twice)
    assert len(once) == len(twice) or "deflated" in name
    before, after = read(sample(name)), read(once)
    assert before.PixelData == after.PixelData
    assert b"nne" not in once and b"P-0001" not in once
    np.testing.assert_array_equal(dicom.decode(once), dicom.decode(sample(name)))


def test_dates_move_back_together_and_times_stay() -> None:
    data = patient_file(ContentDate="20240305", SeriesDate="")
    after = read(dicom.deidentify(encoded(data), key=KEY, dates="shift"))
    study = datetime.datetime.strptime(after.StudyDate, "%Y%m%d")
    content = datetime.datetime.strptime(after.ContentDate, "%Y%m%d")
    assert content - study == datetime.timedelta(days=4)
    days = (datetime.datetime(2024, 3, 1) - study).days
    assert 1 <= days <= 3650
    assert after.AcquisitionDateTime == study.strftime("%Y%m%d") + "101531.5"
    assert after.StudyTime == "101530" and after.SeriesDate == ""
    assert after.PatientBirthDate == ""  # not among the dates that the option keeps
    assert after.LongitudinalTemporalInformationModified == "MODIFIED"
    codes = [item.CodeValue for item in after.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113107"]

    same = read(dicom.deidentify(encoded(patient_file(SOPInstanceUID="1.2.9")), key=KEY, dates="shift"))
    assert same.StudyDate == after.StudyDate
    offsets = set()
    for number in range(8):
        other = patient_file(PatientID=f"P-{number}")
        offsets.add(read(dicom.deidentify(encoded(other), key=KEY, dates="shift")).StudyDate)
    assert len(offsets) > 4


def test_a_date_that_is_none_is_removed_rather_than_moved() -> None:
    data = patient_file(ContentDate="20240305")
    file = encoded(data).replace(b"20240305", b"2024SECR")
    assert b"SECR" not in dicom.deidentify(file, key=KEY, dates="shift")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"key": b"short"}, "dicom.key"),
        ({"dates": "shift"}, "dicom.key"),
        ({"dates": "keep", "key": KEY}, "dicom.dates"),
    ],
)
def test_options_without_meaning_are_refused(options: dict[str, object], code: str) -> None:
    with pytest.raises(consilia.InvalidArgument) as caught:
        dicom.deidentify(sample("gray_8"), **options)
    assert caught.value.code == code


def test_text_in_the_pixels_is_refused_unless_it_is_allowed() -> None:
    file = encoded(patient_file(BurnedInAnnotation="YES"))
    assert dicom.info(file).has_burned_in_annotation
    with pytest.raises(consilia.ValidationError) as caught:
        dicom.deidentify(file)
    assert caught.value.code == "dicom.burned_in_annotation"
    assert b"Doe" not in dicom.deidentify(file, allow_burned_in=True)
    assert b"Doe" not in dicom.deidentify(encoded(patient_file(BurnedInAnnotation="NO")))


def test_a_foreign_preamble_is_cleared() -> None:
    file = b"MZ" + b"\x90" * 126 + encoded(patient_file())[128:]
    assert dicom.info(file).has_foreign_preamble
    clean = dicom.deidentify(file)
    assert clean[:132] == b"\0" * 128 + b"DICM"
    assert not dicom.info(clean).has_foreign_preamble


def dummy_value(vr: str) -> object:
    if vr in ("DA", "DT", "TM", "AS"):
        return {"DA": "20240203", "DT": "20240203", "TM": "010203", "AS": "041Y"}[vr]
    if vr in ("US", "UL", "SS", "SL", "FL", "FD", "SV", "UV"):
        return 4711
    if vr in ("DS", "IS"):
        return "4711"
    if vr == "AT":
        return 0x00100010
    if vr == "UI":
        return "1.2.3.4711"
    if vr == "SQ":
        item = Dataset()
        item.PatientName = SECRET
        return [item]
    return SECRET.encode() if vr in ("OB", "OW", "UN", "OF", "OD", "OL", "OV") else SECRET


def test_a_file_with_every_attribute_keeps_none_of_those_that_name_the_patient() -> None:
    data = patient_file()
    groups = (0x0008, 0x0010, 0x0018, 0x0020, 0x0032, 0x0038, 0x0040, 0x0088, 0x0400, 0x4008, 0x3010)
    skipped = {0x00080005, 0x0020_9999}
    for tag in DicomDictionary:
        if tag >> 16 in groups and tag not in data and tag not in skipped and tag & 0xFFFF:
            vr = dictionary_VR(tag).split(" ")[0]
            if vr != "NONE":
                data.add_new(tag, vr, dummy_value(vr))
    assert len(data) > 1900
    for syntax in (None, ImplicitVRLittleEndian):
        if syntax:
            data.file_meta.TransferSyntaxUID = syntax
        after = read(dicom.deidentify(encoded(data), key=KEY))
        named = ["Patient", "Physician", "Operator", "Institution", "Address", "Telephone", "Comments"]
        left = [
            element.keyword
            for element in after
            if element.VR not in ("SQ", "UI")
            and element.value == SECRET
            and any(word in element.keyword for word in named)
        ]
        assert [word for word in left if word not in KEPT_BY_THE_STANDARD] == []
        for element in after.iterall():
            assert element.keyword != "PatientName" or element.value == ""


# Table E.1-1 has no row for these: codes, positions, and what animal a patient is.
KEPT_BY_THE_STANDARD = {
    "NTPSourceAddress",
    "PatientAlternativeCalendar",
    "PatientBreedDescription",
    "PatientFrameOfReferenceSource",
    "PatientMotionCorrected",
    "PatientOrientation",
    "PatientPosition",
    "PatientSpeciesDescription",
    "ProtocolDefinedPatientPosition",
    "TypeOfPatientID",
}
