#include "consilia/inference/diagnosis.hpp"

#include <nlohmann/json.hpp>

namespace consilia::inference {

namespace {

using nlohmann::ordered_json;

ordered_json to_document(const Opinion& opinion) {
    ordered_json document = {{"member_id", opinion.member_id}};
    if (opinion.is_given()) {
        document["label"] = opinion.label;
        document["confidence"] = opinion.confidence;
        document["probabilities"] = opinion.probabilities;
    } else if (opinion.is_skipped) {
        document["is_skipped"] = true;
    } else {
        document["error_code"] = opinion.error_code;
        document["error_message"] = opinion.error_message;
    }
    document["load_ms"] = opinion.load_ms;
    document["run_ms"] = opinion.run_ms;
    document["was_resident"] = opinion.was_resident;
    document["member_hash"] = opinion.member_hash;
    document["pipeline_hash"] = opinion.pipeline_hash;
    document["backend"] = opinion.backend;
    document["device"] = opinion.device;
    document["precision"] = opinion.precision;
    return document;
}

ordered_json to_document(const TraceEvent& event) {
    ordered_json document = {{"kind", to_string(event.kind)},  {"member_id", event.member_id},
                             {"begin_ms", event.begin_ms},     {"duration_ms", event.duration_ms},
                             {"size_bytes", event.size_bytes}, {"held_bytes", event.held_bytes}};
    if (!event.note.empty()) document["note"] = event.note;
    return document;
}

}  // namespace

std::string_view to_string(TraceKind kind) noexcept {
    switch (kind) {
        case TraceKind::Open:
            return "open";
        case TraceKind::Load:
            return "load";
        case TraceKind::Run:
            return "run";
        case TraceKind::Evict:
            return "evict";
        case TraceKind::Close:
            return "close";
        case TraceKind::StepDown:
            return "step_down";
    }
    return "unknown";
}

std::string Diagnosis::to_json() const {
    ordered_json document = {{"label", label},
                             {"confidence", confidence},
                             {"classes", classes},
                             {"probabilities", probabilities},
                             {"agreement", agreement},
                             {"entropy", entropy},
                             {"mutual_information", mutual_information},
                             {"conformal_set", conformal_set},
                             {"opinion_model_hash", opinion_model_hash},
                             {"needs_review", needs_review},
                             {"confidence_threshold", confidence_threshold},
                             {"consensus", to_string(consensus)},
                             {"opinions", ordered_json::array()},
                             {"total_ms", total_ms},
                             {"budget_bytes", budget_bytes},
                             {"peak_bytes", peak_bytes},
                             {"batch_size", batch_size},
                             {"augmentation", ordered_json::parse(augmentation.to_json())},
                             {"device", device},
                             {"library_version", library_version},
                             {"is_deterministic", is_deterministic},
                             {"trace", ordered_json::array()}};
    for (const Opinion& opinion : opinions) document["opinions"].push_back(to_document(opinion));
    for (const TraceEvent& event : trace) document["trace"].push_back(to_document(event));
    // A backend's text may hold any bytes.
    return document.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace consilia::inference
