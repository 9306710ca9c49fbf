// Uploads for Python: types by content, `receive`, scanners, quarantine and handing out.
#include <pybind11/chrono.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "consilia/validation/download.hpp"
#include "consilia/validation/quarantine.hpp"
#include "consilia/validation/receive.hpp"
#include "consilia/validation/scanner.hpp"
#include "native.hpp"
#include "shared_function.hpp"
#include "upload_source.hpp"

namespace consilia::bindings {
namespace {

namespace fs = std::filesystem;
using validation::ClamdScanner;
using validation::FileFacts;
using validation::FileType;
using validation::MetadataMode;
using validation::Quarantine;
using validation::QuarantineEntry;
using validation::QuarantineOptions;
using validation::ReceivedFile;
using validation::ReceiveOptions;
using validation::ScanVerdict;

// ---- Types

/// The names of all types as Python strings, made once; null for what is not known, which is None.
PyObject* name_of(FileType type) {
    static const auto names = [] {
        std::array<PyObject*, static_cast<std::size_t>(validation::kLastFileType) + 1> made{};
        for (std::size_t i = 0; i < made.size(); ++i) made[i] = interned(to_string(static_cast<FileType>(i)));
        made[0] = Py_None;
        return made;
    }();
    return names[static_cast<std::size_t>(type)];
}

/// A fast call: typing takes a tenth of what a call through pybind11 would.
PyObject* detect_type(PyObject* /*module*/, PyObject* bytes) {
    return guarded([&]() -> PyObject* {
        if (PyBytes_CheckExact(bytes)) {
            const auto* data = reinterpret_cast<const std::byte*>(PyBytes_AS_STRING(bytes));
            return Py_NewRef(
                name_of(validation::detect_type({data, static_cast<std::size_t>(PyBytes_GET_SIZE(bytes))})));
        }
        Py_buffer view;
        if (PyObject_GetBuffer(bytes, &view, PyBUF_SIMPLE) != 0) throw py::error_already_set();
        const FileType type = validation::detect_type(
            {static_cast<const std::byte*>(view.buf), static_cast<std::size_t>(view.len)});
        PyBuffer_Release(&view);
        return Py_NewRef(name_of(type));
    });
}

PyMethodDef kDetectType = {
    "detect_type", &detect_type, METH_O,
    "detect_type(data: bytes | bytearray | memoryview) -> str | None\n\n"
    "The type of a file by its first bytes (32,774 are enough): `jpeg`, `zip`, `text`; None if unknown.\n"
    "A container is named as such: an office document is a `zip`."};

FileType type_of(const std::string& name) {
    const FileType type = validation::file_type_of(name);
    if (type == FileType::Unknown)
        throw core::InvalidArgument("upload.options", "there is no type of this name");
    return type;
}

void bind_types(py::module_& module) {
    if (PyModule_AddObject(module.ptr(), "detect_type",
                           owned(PyCFunction_NewEx(&kDetectType, nullptr, nullptr)).release().ptr()) != 0)
        throw py::error_already_set();
    module.def(
        "media_type", [](const std::string& type) { return media_type(type_of(type)); }, py::arg("type"),
        "`image/jpeg` for `jpeg`.");
    module.def(
        "extensions",
        [](const std::string& type) {
            const auto all = validation::extensions(type_of(type));
            return std::vector<std::string>(all.begin(), all.end());
        },
        py::arg("type"), "The extensions that files of this type have, the usual one first.");
    module.def(
        "is_receivable", [](const std::string& type) { return is_receivable(type_of(type)); },
        py::arg("type"), "Whether files of this type can be received: those that are checked to their end.");
}

// ---- Scanners

/// None: clean. A text: the name of what was found.
std::optional<std::string> infection(const ScanVerdict& verdict) {
    if (verdict.kind == ScanVerdict::Kind::Clean) return std::nullopt;
    if (verdict.kind == ScanVerdict::Kind::Infected) return verdict.name;
    throw core::Unavailable("upload.scanner_unavailable", "the scanner failed: " + verdict.name,
                            {{"reason", verdict.name}});
}

validation::Scanner scanner_of(const py::object& scanner) {
    if (scanner.is_none()) return {};
    if (py::isinstance<ClamdScanner>(scanner)) return scanner.cast<ClamdScanner>();
    if (PyCallable_Check(scanner.ptr()) == 0) throw_type_error("a scanner must be callable");
    return [function = SharedFunction(scanner)](std::span<const std::byte> bytes) {
        const py::gil_scoped_acquire acquire;
        const auto view = py::memoryview::from_memory(static_cast<const void*>(bytes.data()),
                                                      static_cast<py::ssize_t>(bytes.size()));
        const py::object found = py::reinterpret_borrow<py::object>(function.get())(view);
        view.attr("release")();  // What it keeps must not outlive the bytes.
        if (found.is_none()) return ScanVerdict::clean();
        return ScanVerdict::infected(std::string(text_of(found.ptr())));
    };
}

void bind_scanners(py::module_& module) {
    using std::chrono::milliseconds;
    const validation::ClamdOptions defaults;
    py::class_<ClamdScanner>(
        module, "ClamdScanner",
        "ClamAV's daemon, asked over its socket. Fails closed: what it did not call clean does "
        "not come in.")
        .def(py::init([](std::string address, std::int64_t connect_timeout_ms, std::int64_t read_timeout_ms) {
                 return ClamdScanner({.address = std::move(address),
                                      .connect_timeout = milliseconds(connect_timeout_ms),
                                      .read_timeout = milliseconds(read_timeout_ms)});
             }),
             py::arg("address") = defaults.address, py::kw_only(),
             py::arg("connect_timeout_ms") = defaults.connect_timeout.count(),
             py::arg("read_timeout_ms") = defaults.read_timeout.count(),
             "`address` is `unix:/path` or `tcp:host:port`.")
        .def(
            "__call__",
            [](const ClamdScanner& self, const py::object& data) {
                const auto view = dense_view(data);
                const py::gil_scoped_release release;
                return infection(self.scan(
                    {static_cast<const std::byte*>(view->ptr), static_cast<std::size_t>(view->size)}));
            },
            py::arg("data"),
            "None for clean bytes, or the name of the signature that was found.\n\n"
            "Raises:\n    Unavailable: `upload.scanner_unavailable`.")
        .def("ping", &ClamdScanner::ping, py::call_guard<py::gil_scoped_release>(),
             "Whether the daemon answers.")
        .def("version", &ClamdScanner::version, py::call_guard<py::gil_scoped_release>(),
             "Version of the daemon and of its signatures.");
}

// ---- Receiving

MetadataMode metadata_of(const std::string& name) {
    if (name == "strip") return MetadataMode::Strip;
    if (name == "keep") return MetadataMode::Keep;
    if (name == "reencode") return MetadataMode::Reencode;
    throw core::InvalidArgument("upload.options", "metadata is `strip`, `keep` or `reencode`");
}

/// A received file that can be let go of before Python collects it.
struct HeldFile {
    std::optional<ReceivedFile> file;
    FileFacts facts;
    fs::path commit() {
        if (!file) throw core::InvalidArgument("file.committed", "the file is committed or closed already");
        fs::path path = file->commit();
        file.reset();
        return path;
    }
};

template <class T>
py::cpp_function fact(T FileFacts::*member) {
    return [member](const HeldFile& self) { return self.facts.*member; };
}

void bind_received(py::module_& module) {
    py::class_<HeldFile>(
        module, "ReceivedFile",
        "A checked file that has no name yet: `commit` gives it one, and without that nothing "
        "of it is left.")
        .def_property_readonly("stored_name", fact(&FileFacts::stored_name))
        .def_property_readonly("client_name", fact(&FileFacts::client_name), "Sanitised, for display only.")
        .def_property_readonly("sha256", fact(&FileFacts::sha256), "Of what is stored.")
        .def_property_readonly("size_bytes", fact(&FileFacts::size_bytes), "Of what is stored.")
        .def_property_readonly("received_sha256", fact(&FileFacts::received_sha256), "Of what came in.")
        .def_property_readonly("received_bytes", fact(&FileFacts::received_bytes), "Of what came in.")
        .def_property_readonly("type", [](const HeldFile& self) { return to_string(self.facts.type); })
        .def_property_readonly("media_type", [](const HeldFile& self) { return media_type(self.facts.type); })
        .def_property_readonly("width", fact(&FileFacts::width), "Of an image; otherwise 0.")
        .def_property_readonly("height", fact(&FileFacts::height), "Of an image; otherwise 0.")
        .def("commit", &HeldFile::commit, py::call_guard<py::gil_scoped_release>(),
             "Syncs the file, gives it its stored name, and tells its path. Call it inside the transaction "
             "that "
             "records the file, before that commits.")
        .def(
            "close", [](HeldFile& self) { self.file.reset(); }, "Lets go of a file that is not committed.")
        .def("__enter__", [](const py::object& self) { return self; })
        .def("__exit__", [](HeldFile& self, const py::args&) { self.file.reset(); });
    module.def(
        "receive",
        [](const py::object& source, const fs::path& directory, const std::string& prefix,
           std::optional<std::string> client_name, std::optional<std::string> client_type,
           const std::string& field, const py::kwargs& more) {
            ReceiveOptions options = receive_options(more);
            options.directory = directory;
            options.prefix = prefix;
            options.client_name = std::move(client_name);
            options.client_type = std::move(client_type);
            options.field = field;
            const PythonSource given(source);
            const py::gil_scoped_release release;
            ReceivedFile file = validation::receive(given.get(), options);
            auto held = std::make_unique<HeldFile>();
            held->facts = file.facts();
            held->file.emplace(std::move(file));
            return held;
        },
        py::arg("source"), py::arg("directory"), py::kw_only(), py::arg("prefix") = ReceiveOptions().prefix,
        py::arg("client_name") = py::none(), py::arg("client_type") = py::none(),
        py::arg("field") = ReceiveOptions().field,
        "Receives a path, bytes, or what a function `read(size)` gives. See `consilia.uploads.receive`.");
    module.def("discard", &validation::discard, py::arg("path"), py::call_guard<py::gil_scoped_release>(),
               "Removes a committed file whose transaction failed; one that is gone already is no error.");
}

// ---- Quarantine

void bind_quarantine(py::module_& module) {
    py::class_<QuarantineEntry>(module, "QuarantineEntry", "What is known of a file in quarantine.")
        .def_readonly("name", &QuarantineEntry::name)
        .def_readonly("code", &QuarantineEntry::code, "Why it was refused: `upload.damaged`.")
        .def_readonly("message", &QuarantineEntry::message)
        .def_readonly("details_json", &QuarantineEntry::details_json)
        .def_readonly("client_name", &QuarantineEntry::client_name, "Sanitised, for display only.")
        .def_readonly("sha256", &QuarantineEntry::sha256)
        .def_readonly("size_bytes", &QuarantineEntry::size_bytes)
        .def_property_readonly(
            "refused_at", [](const QuarantineEntry& self) { return to_python(core::Value(self.refused_at)); })
        .def("__repr__", [](const QuarantineEntry& self) {
            return "<QuarantineEntry: " + self.name + ", " + self.code + ">";
        });
    const QuarantineOptions defaults;
    py::class_<QuarantineOptions>(module, "QuarantineOptions", "Where refused files are kept, and how many.")
        .def(py::init([](fs::path directory, std::size_t max_files, std::uint64_t max_bytes) {
                 return QuarantineOptions{std::move(directory), max_files, max_bytes};
             }),
             py::arg("directory"), py::kw_only(), py::arg("max_files") = defaults.max_files,
             py::arg("max_bytes") = defaults.max_bytes)
        .def_readonly("directory", &QuarantineOptions::directory)
        .def_readonly("max_files", &QuarantineOptions::max_files)
        .def_readonly("max_bytes", &QuarantineOptions::max_bytes);
    const py::call_guard<py::gil_scoped_release> no_gil;
    py::class_<Quarantine>(module, "Quarantine",
                           "A directory of refused files, each under a random name with what is known of it.")
        .def(py::init([](QuarantineOptions options) { return Quarantine(std::move(options)); }),
             py::arg("options"))
        .def("list", &Quarantine::list, no_gil, "The oldest first.")
        .def("get", &Quarantine::get, no_gil, py::arg("name"),
             "Raises:\n    NotFound: `quarantine.not_found`.")
        .def("remove", &Quarantine::remove, no_gil, py::arg("name"),
             "Removes a file and what is known of it; whether it was there.")
        .def("release", &Quarantine::release, no_gil, py::arg("name"), py::arg("directory"),
             py::arg("file_name"), "Moves a file out, for one that was refused wrongly; tells its new path.");
}

// ---- Handing out

void bind_download(py::module_& module) {
    const validation::DownloadOptions defaults;
    module.def(
        "content_disposition",
        [](const std::string& name, bool is_inline) {
            return validation::content_disposition(name, is_inline);
        },
        py::arg("name"), py::kw_only(), py::arg("is_inline") = defaults.is_inline,
        "The value of `Content-Disposition` for a name that a client once sent: sanitised, in ASCII, and in\n"
        "UTF-8 where it has more. Nothing in it ends the field or the quotes.");
    module.def(
        "download_headers",
        [](const std::string& name, std::string media_type, bool is_inline) {
            std::map<std::string, std::string> fields;
            for (const auto& [field, value] : validation::download_headers(
                     name, {.media_type = std::move(media_type), .is_inline = is_inline}))
                fields[field] = value;
            return fields;
        },
        py::arg("name"), py::kw_only(), py::arg("media_type") = defaults.media_type,
        py::arg("is_inline") = defaults.is_inline,
        "The fields of a response that keep a browser from taking a file for something else: type,\n"
        "disposition, `nosniff`, a policy that runs nothing, same origin, and no store.\n\n"
        "Raises:\n    InvalidArgument: `download.media_type`.");
}

}  // namespace

ReceiveOptions receive_options(const py::kwargs& given) {
    ReceiveOptions options;
    for (const auto& [key, value] : given) {
        const std::string name = key.cast<std::string>();
        if (name == "max_bytes") {
            options.max_bytes = value.cast<std::uint64_t>();
        } else if (name == "allowed") {
            options.allowed.clear();
            for (const py::handle each : value) options.allowed.push_back(type_of(each.cast<std::string>()));
        } else if (name == "metadata") {
            options.metadata = metadata_of(value.cast<std::string>());
        } else if (name == "scanner") {
            options.scanner = scanner_of(py::reinterpret_borrow<py::object>(value));
        } else if (name == "quarantine") {
            if (!value.is_none()) options.quarantine = value.cast<QuarantineOptions>();
        } else if (name == "max_pixels") {
            options.limits.max_pixels = value.cast<std::uint64_t>();
        } else if (name == "max_memory_bytes") {
            options.limits.max_memory_bytes = value.cast<std::uint64_t>();
        } else {
            throw_type_error("there is no option `" + name + "`");
        }
    }
    return options;
}

void bind_uploads(py::module_& module) {
    bind_types(module);
    bind_scanners(module);
    bind_quarantine(module);
    bind_received(module);
    bind_upload_store(module);
    bind_download(module);
}

}  // namespace consilia::bindings
