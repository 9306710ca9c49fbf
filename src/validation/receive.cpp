#include "consilia/validation/receive.hpp"

#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "consilia/core/error.hpp"
#include "validation/client_name.hpp"
#include "validation/text_stream.hpp"
#include "validation/upload_checks.hpp"
#include "validation/upload_reader.hpp"

namespace consilia::validation {
namespace {

using imaging::ImageFormat;

/// The client's name as the options or the path give it.
std::optional<std::string> client_name(const UploadSource& source, const ReceiveOptions& options) {
    if (options.client_name) return options.client_name;
    if (const auto* path = std::get_if<std::filesystem::path>(&source.variant()))
        return path->filename().string();
    return std::nullopt;
}

/// Holds pieces to be text.
class TextRule {
public:
    explicit TextRule(const ReceiveOptions& options) : options_(options) {}
    void add(std::span<const std::byte> piece) {
        if (const auto fault = check_.add(piece)) refuse(*fault);
    }
    void finish() const {
        if (const auto fault = check_.finish()) refuse(*fault);
    }

private:
    [[noreturn]] void refuse(const TextFault& fault) const {
        reject(options_.field, "upload.not_text",
               "the content is not plain text: " + std::string(fault.reason),
               {{"reason", fault.reason}, {"offset", static_cast<std::int64_t>(fault.offset)}});
    }
    const ReceiveOptions& options_;
    TextStreamCheck check_;
};

/// An upload on its way: what was read of it, where that is, and why it is refused.
class Reception {
public:
    Reception(const UploadSource& source, const ReceiveOptions& options)
        : options_(options), name_(client_name(source, options)), source_(source) {
        if (name_) check_client_name(*name_, options.field);
    }

    std::pair<FileFacts, core::AtomicFile> run() {
        UploadReader reader(source_, options_);
        const std::span<const std::byte> first = reader.next();
        if (first.empty()) reject(options_.field, "upload.empty", "the file is empty");
        try_to([&] { facts_.type = check_type(first, name_, options_); });
        const std::optional<ImageFormat> format = image_format(facts_.type);
        if (const auto whole = reader.whole(); !whole.empty() && (format || refusal_)) {
            bytes_ = whole;  // Nothing is written before it was looked at.
        } else {
            spool(reader, first);
        }
        facts_.received_bytes = bytes_.size();
        try_to([&] {
            if (format) check(*format);
            scan(bytes_, options_);
        });
        if (refusal_) refuse();
        return finish();
    }

private:
    /// Does what may refuse the upload. Where refused files are kept, the rest of it is read before the
    /// refusal is thrown, and nothing else is done.
    template <class F>
    void try_to(F&& body) {
        if (refusal_) return;
        try {
            body();
        } catch (const core::UploadRejected& error) {
            if (options_.quarantine.directory.empty()) throw;
            refusal_ = error;
        }
    }

    void spool(UploadReader& reader, std::span<const std::byte> piece) {
        core::AtomicFile& file = file_.emplace(options_.directory);
        core::Sha256 hash;
        std::optional<TextRule> text;
        if (!image_format(facts_.type)) text.emplace(options_);
        for (; !piece.empty(); piece = reader.is_at_end() ? std::span<const std::byte>() : reader.next()) {
            if (text) try_to([&] { text->add(piece); });
            hash.update(piece);
            file.write(piece);
        }
        if (text) try_to([&] { text->finish(); });
        facts_.received_sha256 = hash.finish();
        bytes_ = reader.whole();
        if (!bytes_.empty()) return;
        map_ = file.map();
        bytes_ = map_.bytes();
    }

    void check(ImageFormat format) {
        const imaging::ImageInfo info = check_image(bytes_, options_);
        facts_.width = info.width;
        facts_.height = info.height;
        replacement_ = without_metadata(bytes_, format, options_);
    }

    [[noreturn]] void refuse() {
        // What is kept is told to those who ask the quarantine; that it could not be is no reason to let the
        // file in, nor to hide why it was refused.
        std::string kept;
        try {
            kept = Quarantine(options_.quarantine).keep(bytes_, *refusal_, name_.value_or("")).value_or("");
        } catch (const core::StorageError&) {
            kept.clear();
        }
        core::Details details = refusal_->details();
        details.push_back({"quarantined", kept});
        throw core::UploadRejected(refusal_->code(), refusal_->what(), std::move(details),
                                   refusal_->http_status());
    }

    std::pair<FileFacts, core::AtomicFile> finish() {
        if (facts_.received_sha256.empty()) facts_.received_sha256 = core::sha256(bytes_);
        facts_.sha256 = facts_.received_sha256;
        facts_.size_bytes = facts_.received_bytes;
        if (replacement_) {
            file_.emplace(options_.directory).write(*replacement_);
            facts_.sha256 = core::sha256(*replacement_);
            facts_.size_bytes = replacement_->size();
        } else if (!file_) {
            file_.emplace(options_.directory).write(bytes_);
        }
        facts_.stored_name = core::unique_file_name(options_.prefix, extensions(facts_.type).front());
        facts_.client_name = core::safe_file_name(name_.value_or(""));
        return {std::move(facts_), std::move(*file_)};
    }

    const ReceiveOptions& options_;
    std::optional<std::string> name_;
    const UploadSource& source_;
    FileFacts facts_;
    std::optional<core::UploadRejected> refusal_;
    std::optional<core::AtomicFile> file_;  // What was read, where it was written while it was read.
    core::FileMap map_;
    std::span<const std::byte> bytes_;                   // What was read.
    std::optional<std::vector<std::byte>> replacement_;  // What is stored instead.
};

}  // namespace

ReceivedFile receive(const UploadSource& source, const ReceiveOptions& options) {
    check_options(options);
    auto [facts, file] = Reception(source, options).run();
    return {std::move(facts), std::move(file)};
}

std::filesystem::path ReceivedFile::commit() {
    return file_.commit(facts_.stored_name);
}

void discard(const std::filesystem::path& path) {
    // Not std::filesystem::remove, which would also take an empty directory.
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) return;
    const std::string reason = std::generic_category().message(errno);
    throw core::StorageError("file.io", "the file cannot be removed: " + reason, {{"reason", reason}});
}

}  // namespace consilia::validation
