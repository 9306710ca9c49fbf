// Files without their patients: the basic profile of PS3.15, annex E.
#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "consilia/core/error.hpp"
#include "consilia/imaging/dicom.hpp"
#include "imaging/dicom_file.hpp"
#include "imaging/dicom_profile.hpp"
#include "imaging/dicom_pseudonyms.hpp"
#include "imaging/dicom_writer.hpp"

namespace consilia::imaging {
namespace {

using namespace dicom;

constexpr std::uint32_t kPatientId = 0x0010'0020;
constexpr std::uint32_t kIdentityRemoved = 0x0012'0062;
constexpr std::uint32_t kMethod = 0x0012'0063;
constexpr std::uint32_t kMethodCodes = 0x0012'0064;
/// The table has no row for these: dates of birth and death in another calendar, and free text.
constexpr std::array<std::uint32_t, 3> kBeyondTheTable = {0x0010'0033, 0x0010'0034, 0x0040'0400};
constexpr std::uint32_t kBurnedIn = 0x0028'0301;
constexpr std::uint32_t kDatesModified = 0x0028'0303;
/// Of this implementation: 2.25. and a UUID made for it.
constexpr std::string_view kImplementationUid = "2.25.267104598323471620163938250127469087425";
/// UIDs of the standard itself name kinds, not things.
constexpr std::string_view kStandardRoot = "1.2.840.10008.";

/// What a combined rule comes to. Attributes that an IOD demands stay: with a dummy where it may demand a
/// value (type 1), empty where it may demand the attribute (type 2).
enum class Action : std::uint8_t { Remove, Empty, Dummy, NewUid };

Action action_of(ProfileRule rule) {
    switch (rule) {
        case ProfileRule::X:
            return Action::Remove;
        case ProfileRule::Z:
        case ProfileRule::XZ:
            return Action::Empty;
        case ProfileRule::D:
        case ProfileRule::XD:
        case ProfileRule::ZD:
        case ProfileRule::XZD:
            return Action::Dummy;
        case ProfileRule::U:
        case ProfileRule::XZU:
            return Action::NewUid;
    }
    return Action::Remove;
}

std::string_view dummy_text(Vr vr) {
    switch (vr) {
        case vr_of("DA"):
            return "19000101";
        case vr_of("DT"):
            return "19000101000000";
        case vr_of("TM"):
            return "000000";
        case vr_of("AS"):
            return "000Y";
        case vr_of("DS"):
        case vr_of("IS"):
            return "0";
        case vr_of("UR"):
            return "urn:anonymous";
        default:
            return "ANONYMOUS";
    }
}

bool is_text(Vr vr) {
    constexpr std::string_view kTexts = "AEASCSDADSDTISLOLTPNSHSTTMUCURUT";
    for (std::size_t i = 0; i < kTexts.size(); i += 2) {
        if (vr_name(vr) == kTexts.substr(i, 2)) return true;
    }
    return false;
}

class Deidentifier {
public:
    Deidentifier(const DeidentifyOptions& options, std::string_view patient_id)
        : pseudonyms_(options.key), shifts_dates_(options.dates == DeidentifyDates::Shift) {
        if (shifts_dates_) days_ = pseudonyms_.days(patient_id);
    }

    /// The elements that stay, changed; `is_implicit`: their VRs are not known but for sequences.
    Elements clean(const Elements& elements, bool is_implicit) {
        Elements kept;
        for (const Element& element : elements) {
            if (std::optional<Element> cleaned = clean(element, is_implicit))
                kept.push_back(std::move(*cleaned));
        }
        return kept;
    }

    void mark(Elements& elements) {
        set(elements, text_element(kIdentityRemoved, vr_of("CS"), "YES"));
        set(elements, text_element(kMethod, vr_of("LO"),
                                   "consilia PS3.15 " + std::string(kProfileEdition) + " basic profile"));
        Element codes{.tag = kMethodCodes, .vr = vr_of("SQ"), .is_sequence = true};
        codes.items.push_back(code("113100", "Basic Application Confidentiality Profile"));
        if (shifts_dates_) {
            codes.items.push_back(
                code("113107", "Retain Longitudinal Temporal Information Modified Dates Option"));
        }
        set(elements, std::move(codes));
        set(elements, text_element(kDatesModified, vr_of("CS"), shifts_dates_ ? "MODIFIED" : "REMOVED"));
    }

    Element text_element(std::uint32_t tag, Vr vr, std::string text) {
        Element element{.tag = tag, .vr = vr};
        set_text(element, std::move(text));
        return element;
    }

    [[nodiscard]] std::string new_uid(std::string_view uid) const {
        return uid.empty() || uid.starts_with(kStandardRoot) ? std::string(uid) : pseudonyms_.uid(uid);
    }

private:
    std::optional<Element> clean(const Element& element, bool is_implicit) {
        if (is_outside(element, is_implicit)) return std::nullopt;
        const ProfileRow* row = find_profile_row(element.tag);
        if (row == nullptr) return with_clean_items(element, is_implicit);
        const Vr vr = element.vr != 0 ? element.vr : row->vr;
        switch (action_of(row->rule)) {
            case Action::Remove:
                return row->is_date ? moved(element, vr) : std::nullopt;
            case Action::Empty:
                if (std::optional<Element> date = row->is_date ? moved(element, vr) : std::nullopt)
                    return date;
                return Element{.tag = element.tag, .vr = element.vr, .is_sequence = element.is_sequence};
            case Action::Dummy:
                if (std::optional<Element> date = row->is_date ? moved(element, vr) : std::nullopt)
                    return date;
                return with_dummy(element, vr);
            case Action::NewUid:
                return element.is_sequence ? with_clean_items(element, is_implicit) : with_new_uids(element);
        }
        return std::nullopt;
    }

    /// Ranges that go whole, and what cannot be read and so cannot be cleaned.
    static bool is_outside(const Element& element, bool is_implicit) {
        const std::uint32_t group = element.group();
        const bool is_private = group % 2 != 0;
        const bool is_curve = group >= 0x5000 && group <= 0x50FF;
        const bool is_overlay = group >= 0x6000 && group <= 0x60FF;
        const bool is_group_length = (element.tag & 0xFFFF) == 0;
        const bool is_unknown = !is_known_tag(element.tag) ||
                                std::ranges::find(kBeyondTheTable, element.tag) != kBeyondTheTable.end();
        const bool is_hidden_sequence = is_implicit && !element.is_sequence && element.value.size() >= 8 &&
                                        element.tag != tags::kPixelData &&
                                        read_32(element.value, 0, false) == 0xE000'FFFE;
        return is_private || is_curve || is_overlay || is_group_length || is_unknown || is_hidden_sequence ||
               element.vr == vr_of("UN") || element.tag >= tags::kTrailingPadding ||
               element.tag == tags::kSignatures;
    }

    Element with_clean_items(const Element& element, bool is_implicit) {
        Element cleaned = element;
        for (Elements& item : cleaned.items) item = clean(item, is_implicit);
        return cleaned;
    }

    /// A date or time of day under the option of modified dates; empty if it is removed after all.
    std::optional<Element> moved(const Element& element, Vr vr) {
        if (!shifts_dates_ || element.is_sequence || element.value.empty()) return std::nullopt;
        if (vr == vr_of("TM")) return element;
        if (vr != vr_of("DA") && vr != vr_of("DT")) return std::nullopt;
        std::string text;
        for (const std::string_view value : split_values(trimmed(element.value))) {
            const std::optional<std::string> date = moved_back(value, days_);
            if (!date) return std::nullopt;
            text += (text.empty() ? "" : "\\") + *date;
        }
        Element changed = element;
        set_text(changed, std::move(text));
        return changed;
    }

    /// Empty stays empty: then the IOD did not demand a value.
    Element with_dummy(const Element& element, Vr vr) {
        Element changed = element;
        if (element.is_sequence) {
            changed.items.clear();
            if (!element.items.empty()) changed.items.emplace_back();
            return changed;
        }
        if (element.value.empty()) return changed;
        if (vr == vr_of("UI")) return with_new_uids(element);
        set_text(changed, is_text(vr) ? std::string(dummy_text(vr)) : std::string(8, '\0'));
        return changed;
    }

    Element with_new_uids(const Element& element) {
        Element changed = element;
        std::string text;
        for (const std::string_view uid : split_values(trimmed(element.value))) {
            text += (text.empty() ? "" : "\\") + new_uid(uid);
        }
        set_text(changed, std::move(text), '\0');
        return changed;
    }

    void set_text(Element& element, std::string text, char padding = ' ') {
        if (element.vr == vr_of("UI")) padding = '\0';
        if (text.size() % 2 != 0) text += padding;
        kept_.push_back(std::move(text));
        element.value = std::as_bytes(std::span(kept_.back()));
    }

    Elements code(std::string_view value, std::string_view meaning) {
        Elements item;
        item.push_back(text_element(0x0008'0100, vr_of("SH"), std::string(value)));
        item.push_back(text_element(0x0008'0102, vr_of("SH"), "DCM"));
        item.push_back(text_element(0x0008'0104, vr_of("LO"), std::string(meaning)));
        return item;
    }

    static void set(Elements& elements, Element element) {
        const auto at = std::ranges::lower_bound(elements, element.tag, {}, &Element::tag);
        if (at != elements.end() && at->tag == element.tag) {
            *at = std::move(element);
        } else {
            elements.insert(at, std::move(element));
        }
    }

    Pseudonyms pseudonyms_;
    bool shifts_dates_;
    std::int64_t days_ = 0;
    std::deque<std::string> kept_;  // what new values view
};

void check_options(const DeidentifyOptions& options) {
    if (options.dates == DeidentifyDates::Shift && options.key.empty()) {
        throw core::InvalidArgument("dicom.key", "moved dates need a `key`", {{"field", "key"}});
    }
}

/// Group 0002 anew: of the old one only what the data set is and how it is written.
Elements meta_of(const File& file, Deidentifier& work) {
    static constexpr std::array<std::byte, 2> kVersion = {std::byte{0}, std::byte{1}};
    Elements meta;
    meta.push_back({.tag = 0x0002'0001, .vr = vr_of("OB"), .value = kVersion});
    const auto uid_of = [&](std::uint32_t tag, std::uint32_t in_data_set) {
        const std::string_view uid = text_of(find(file.meta, tag));
        return std::string(uid.empty() ? text_of(find(file.elements, in_data_set)) : uid);
    };
    meta.push_back(work.text_element(0x0002'0002, vr_of("UI"), uid_of(0x0002'0002, 0x0008'0016)));
    meta.push_back(
        work.text_element(0x0002'0003, vr_of("UI"), work.new_uid(uid_of(0x0002'0003, 0x0008'0018))));
    meta.push_back(work.text_element(0x0002'0010, vr_of("UI"), std::string(file.syntax.uid)));
    meta.push_back(work.text_element(0x0002'0012, vr_of("UI"), std::string(kImplementationUid)));
    meta.push_back(work.text_element(0x0002'0013, vr_of("SH"), "CONSILIA"));
    return meta;
}

}  // namespace

std::vector<std::byte> deidentify(std::span<const std::byte> bytes, const DeidentifyOptions& options) {
    check_options(options);
    const File file = read_file(bytes, options.limits);
    if (!options.allow_burned_in && text_of(find(file.elements, kBurnedIn)) == "YES") {
        throw core::ValidationError("dicom.burned_in_annotation",
                                    "the file says that its pixels show text about the patient");
    }
    Deidentifier work(options, text_of(find(file.elements, kPatientId)));
    Elements elements = work.clean(file.elements, file.syntax.encoding.is_implicit);
    work.mark(elements);

    std::vector<std::byte> meta;
    write_elements(meta_of(file, work), {}, meta);
    std::vector<std::byte> data;
    write_elements(elements, file.syntax.encoding, data);
    if (file.syntax.is_deflated) data = deflated(data);

    std::vector<std::byte> out(kPreambleBytes);
    for (const char c : {'D', 'I', 'C', 'M'}) out.push_back(static_cast<std::byte>(c));
    std::string length(4, '\0');
    for (std::size_t i = 0; i < 4; ++i) length[i] = static_cast<char>(meta.size() >> 8 * i);
    const Elements group{{.tag = 0x0002'0000, .vr = vr_of("UL"), .value = std::as_bytes(std::span(length))}};
    write_elements(group, {}, out);
    out.insert(out.end(), meta.begin(), meta.end());
    out.insert(out.end(), data.begin(), data.end());
    return out;
}

}  // namespace consilia::imaging
