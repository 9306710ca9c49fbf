#pragma once
// What an engine tells a drift monitor of each diagnosis.
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "consilia/imaging/image.hpp"
#include "consilia/imaging/pipeline.hpp"
#include "consilia/inference/diagnosis.hpp"
#include "consilia/inference/drift.hpp"

namespace consilia::inference {

/// Series `input.mean` and `input.deviation` of a prepared input, `opinion.confidence`, `.disagreement`,
/// `.entropy`, `.mutual_information` and `opinion.label.<class>` of the consensus, `member.<id>.confidence`
/// of each member. Threading: safe.
class DriftFeed {
public:
    /// Declares the series that `monitor` does not have; `pipeline` tells the range of inputs.
    /// @throws ResourceExhausted (`drift.max_series`).
    DriftFeed(std::shared_ptr<DriftMonitor> monitor, const imaging::Pipeline& pipeline,
              std::span<const std::string> classes, std::span<const std::string> member_ids);

    /// `input` may be null. What the monitor has no series for any more is left out.
    void add(const Diagnosis& diagnosis, const imaging::Tensor* input) const;

private:
    void add(const std::string& series, double value) const;

    std::shared_ptr<DriftMonitor> monitor_;
    std::vector<std::string> label_series_;   // By class.
    std::vector<std::string> member_series_;  // In the engine's order.
};

}  // namespace consilia::inference
