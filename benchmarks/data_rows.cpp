// What do the row format's own parts cost, without a database? Appending a long result, and writing a page
// and a long result as JSON. The rows are those of a list page: numbers, times, short texts and a few nulls.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "consilia/data/row_set.hpp"

namespace {

using namespace consilia;
using core::ValueType;

std::shared_ptr<const std::vector<data::RowColumn>> columns() {
    static const auto all = std::make_shared<const std::vector<data::RowColumn>>(
        std::vector<data::RowColumn>{{"id", ValueType::Int64},
                                     {"status", ValueType::Text},
                                     {"diagnosis", ValueType::Text},
                                     {"confidence", ValueType::Double},
                                     {"created_at", ValueType::Timestamp},
                                     {"is_deleted", ValueType::Bool},
                                     {"xray.sha256", ValueType::Text},
                                     {"xray.patient.id", ValueType::Int64},
                                     {"xray.patient.full_name", ValueType::Text},
                                     {"reviewed_by", ValueType::Int64}});
    return all;
}

void append_rows(data::RowSet& rows, std::int64_t count) {
    static const std::string sha(64, 'a');
    for (std::int64_t i = 0; i < count; ++i) {
        rows.append_int64(ValueType::Int64, 100'000 + i);
        rows.append_bytes(ValueType::Text, "completed");
        rows.append_bytes(ValueType::Text, "Viral Pneumonia");
        rows.append_double(static_cast<double>(i * 7919 % 10'007) / 10'007.0);
        rows.append_int64(ValueType::Timestamp, 1'700'000'000'000'000 + i * 1'000'003);
        rows.append_int64(ValueType::Bool, 0);
        rows.append_bytes(ValueType::Text, sha);
        rows.append_int64(ValueType::Int64, i % 1000);
        rows.append_bytes(ValueType::Text, "Patient Number 42");
        if (i % 4 == 0) {
            rows.append_int64(ValueType::Int64, 3);
        } else {
            rows.append_null();
        }
    }
}

void append(benchmark::State& state) {
    data::RowSetExtent extent;
    for (auto _ : state) {
        data::RowSet rows(columns());
        rows.reserve(extent);  // As a statement that ran before does.
        append_rows(rows, state.range(0));
        rows.measure(extent);
        benchmark::DoNotOptimize(rows);
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(append)->Name("Data/AppendRowsOf10")->Arg(1)->Arg(25)->Arg(100'000);

void json(benchmark::State& state) {
    data::RowSet rows(columns());
    append_rows(rows, state.range(0));
    std::size_t bytes = 0;
    for (auto _ : state) {
        const std::string text = to_json(rows);
        bytes += text.size();
        benchmark::DoNotOptimize(text.data());
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK(json)->Name("Data/RowsOf10AsJson")->Arg(25)->Arg(10'000);

}  // namespace
