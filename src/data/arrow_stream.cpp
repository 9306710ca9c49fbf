// A result that is there already, as a stream of one chunk.
#include <cerrno>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "consilia/core/error.hpp"
#include "consilia/data/arrow.hpp"

namespace consilia::data {
namespace {

struct SharedRows {
    std::shared_ptr<const RowSet> rows;
    bool is_given = false;
    std::string error = {};
};

SharedRows& rows_of(ArrowArrayStream* stream) noexcept {
    return *static_cast<SharedRows*>(stream->private_data);
}

/// Exports both halves; the caller releases the one that it does not pass on.
int exported(SharedRows& self, ArrowSchema* schema, ArrowArray* array) noexcept {
    try {
        self.error.clear();
        export_arrow(self.rows, schema, array);
        return 0;
    } catch (const std::bad_alloc&) {
        return ENOMEM;
    } catch (const std::exception& error) {
        try {
            self.error = error.what();
        } catch (const std::bad_alloc&) {
            self.error.clear();  // The code says enough.
        }
        return EINVAL;
    }
}

int get_schema(ArrowArrayStream* stream, ArrowSchema* out) {
    ArrowArray array{};
    const int code = exported(rows_of(stream), out, &array);
    if (code == 0) array.release(&array);
    return code;
}

int get_next(ArrowArrayStream* stream, ArrowArray* out) {
    SharedRows& self = rows_of(stream);
    *out = {};  // Released already: the end of the stream.
    if (self.is_given) return 0;
    ArrowSchema schema{};
    const int code = exported(self, &schema, out);
    if (code != 0) return code;
    schema.release(&schema);
    self.is_given = true;
    return 0;
}

const char* get_last_error(ArrowArrayStream* stream) {
    const std::string& error = rows_of(stream).error;
    return error.empty() ? nullptr : error.c_str();
}

void release(ArrowArrayStream* stream) {
    const std::unique_ptr<SharedRows> self(&rows_of(stream));
    stream->release = nullptr;
}

}  // namespace

void export_arrow(std::shared_ptr<const RowSet> rows, ArrowArrayStream* stream) {
    auto self = std::make_unique<SharedRows>(SharedRows{std::move(rows)});
    *stream = {get_schema, get_next, get_last_error, release, self.release()};
}

}  // namespace consilia::data
