#include "screening/panel.hpp"

#include <nlohmann/json.hpp>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/inference/engine.hpp"
#include "screening/service_state.hpp"

namespace consilia::screening {

namespace {

using Document = nlohmann::ordered_json;

Document by_class(const std::vector<std::string>& classes, const std::vector<double>& probabilities) {
    Document object = Document::object();
    for (std::size_t i = 0; i < classes.size() && i < probabilities.size(); ++i)
        object[classes[i]] = probabilities[i];
    return object;
}

Document opinion_document(const inference::Opinion& opinion, const std::vector<std::string>& classes) {
    Document object = {{"member", opinion.member_id}};
    if (!opinion.is_given()) {
        object["error_code"] = opinion.error_code;
        object["error_message"] = opinion.error_message;
        return object;
    }
    object["diagnosis"] = opinion.label;
    object["confidence"] = opinion.confidence;
    object["probabilities"] = by_class(classes, opinion.probabilities);
    object["load_ms"] = opinion.load_ms;
    object["run_ms"] = opinion.run_ms;
    object["was_resident"] = opinion.was_resident;
    return object;
}

// Text of models and systems may hold bytes that are no UTF-8.
core::Json to_json(const Document& document) {
    return {document.dump(-1, ' ', false, Document::error_handler_t::replace)};
}

}  // namespace

Verdict judge(inference::Engine& engine, const std::filesystem::path& file, const std::string& sha256,
              const PanelProgress& progress) {
    const inference::Diagnosis diagnosis =
        engine.run(file, sha256, {.progress = [&](const inference::RunProgress& at) {
                       return progress(at.member_id, at.members_done, at.members_total);
                   }});
    Document opinions = Document::array();
    for (const inference::Opinion& opinion : diagnosis.opinions) {
        opinions.push_back(opinion_document(opinion, diagnosis.classes));
    }
    Verdict verdict;
    verdict.diagnosis = diagnosis.label;
    verdict.confidence = diagnosis.confidence;
    verdict.agreement = diagnosis.agreement;
    verdict.needs_review = diagnosis.needs_review;
    verdict.probabilities = to_json(by_class(diagnosis.classes, diagnosis.probabilities));
    verdict.opinions = to_json(opinions);
    return verdict;
}

std::shared_ptr<inference::Engine> Service::State::engine() {
    const std::scoped_lock lock(engine_mutex_);
    if (!engine_) engine_ = std::make_shared<inference::Engine>(options.members, options.engine);
    return engine_;
}

void Service::State::drop_engine(const std::shared_ptr<inference::Engine>& failed) {
    const std::scoped_lock lock(engine_mutex_);
    if (engine_ == failed) engine_.reset();
}

}  // namespace consilia::screening
