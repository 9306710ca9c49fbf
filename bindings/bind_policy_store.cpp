// The policy in force, and policies in tables, for Python: what waits, waits without the GIL.
#include <pybind11/stl/filesystem.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "access_native.hpp"
#include "access_sessions.hpp"
#include "consilia/access/policy_store.hpp"
#include "consilia/access/policy_tables.hpp"
#include "shared_function.hpp"

namespace consilia::bindings {

/// A policy of Python, by its name in signatures.
class PolicyReference : public py::object {
public:
    explicit PolicyReference(PyObject* owned) : object(owned, stolen_t()) {}
};

}  // namespace consilia::bindings

namespace pybind11::detail {
template <>
struct handle_type_name<consilia::bindings::PolicyReference> {
    static constexpr auto name = const_name("consilia._core.access.Policy");
};
}  // namespace pybind11::detail

namespace consilia::bindings {
namespace {

using access::PolicyDocument;
using access::PolicyLoader;
using access::PolicyStore;

/// A store, what it reads from, and its policy as an object of Python. Threading: the GIL.
class BoundPolicyStore {
public:
    explicit BoundPolicyStore(const PolicyDocument& document)
        : BoundPolicyStore(nullptr, [&] { return std::make_unique<PolicyStore>(document); }) {}
    BoundPolicyStore(PolicyLoader loader, std::shared_ptr<data::Database> database)
        : BoundPolicyStore(std::move(database),
                           [&] { return std::make_unique<PolicyStore>(std::move(loader)); }) {}
    BoundPolicyStore(const BoundPolicyStore&) = delete;
    BoundPolicyStore& operator=(const BoundPolicyStore&) = delete;
    /// Ending a watch waits for its thread, which may be waiting for the GIL.
    ~BoundPolicyStore() {
        living().erase(this);
        const py::gil_scoped_release release;
        store_.reset();
    }

    /// The same object while the policy is the same, so that principals stay looked up.
    PolicyReference policy() {
        const access::Policy& now = reader_->policy();
        if (!policy_ || version_ != reader_->version()) {
            policy_ = owned(make_policy(policy_type, now));
            version_ = reader_->version();
        }
        return PolicyReference(Py_NewRef(policy_.ptr()));
    }
    [[nodiscard]] PolicyStore& store() const noexcept { return *store_; }
    void watch(std::int64_t interval_ms, py::object on_change, py::object on_error) {
        access::WatchOptions options{.interval = std::chrono::milliseconds(interval_ms)};
        if (!on_change.is_none()) {
            options.on_change = [shared =
                                     SharedFunction(std::move(on_change))](const access::Policy& policy) {
                const py::gil_scoped_acquire gil;
                shared.get()(owned(make_policy(policy_type, policy)));
            };
        }
        if (!on_error.is_none()) {
            options.on_error = [shared = SharedFunction(std::move(on_error))](const std::exception&) {
                const std::exception_ptr error = std::current_exception();
                const py::gil_scoped_acquire gil;
                shared.get()(to_exception(error));
            };
        }
        const py::gil_scoped_release release;
        store_->watch(std::move(options));
    }
    template <class Call>
    auto unlocked(const Call& call) {
        const py::gil_scoped_release release;
        return call(*store_);
    }

    /// When the interpreter ends: a thread that called Python later would not come back.
    static void end_watches() {
        for (BoundPolicyStore* store : std::set(living())) {
            const py::gil_scoped_release release;
            try {
                store->store_->stop_watching();
            } catch (const core::Unavailable&) {  // Of a process that was forked: it has no thread here.
                continue;
            }
        }
    }

private:
    template <class Make>
    BoundPolicyStore(std::shared_ptr<data::Database> database, const Make& make)
        : database_(std::move(database)) {
        {
            const py::gil_scoped_release release;
            store_ = make();
            reader_.emplace(store_->reader());
        }
        living().insert(this);
    }
    static std::set<BoundPolicyStore*>& living() {
        static std::set<BoundPolicyStore*> stores;
        return stores;
    }

    std::shared_ptr<data::Database> database_;  // Outlives the store.
    std::unique_ptr<PolicyStore> store_;
    std::optional<PolicyStore::Reader> reader_;
    py::object policy_;
    std::uint64_t version_ = 0;  // Of `policy_`.
};

/// A function of Python that gives JSON, a dict, or None for no change.
PolicyLoader loader_of(py::object function) {
    return [shared = SharedFunction(std::move(function))]() -> std::optional<PolicyDocument> {
        const py::gil_scoped_acquire gil;
        const py::object given = shared.get()();
        if (given.is_none()) return std::nullopt;
        return policy_document_of(given.ptr());
    };
}

void bind_store(py::module_& module) {
    py::class_<BoundPolicyStore>(
        module, "PolicyStore",
        "The policy in force: one for all threads, replaced as a whole while they ask.\n\n"
        "After a fork (gunicorn's `preload_app`, multiprocessing) the child makes its own.")
        .def(py::init([](const py::object& document) {
                 return std::make_unique<BoundPolicyStore>(policy_document_of(document.ptr()));
             }),
             py::arg("document"), "A store of a policy as JSON text or a dict.")
        .def_static(
            "from_file",
            [](std::filesystem::path path) {
                return std::make_unique<BoundPolicyStore>(access::policy_file(std::move(path)), nullptr);
            },
            py::arg("path"),
            "The policy in a file. Replace it by renaming another one; `refresh` and `watch` follow.")
        .def_static(
            "from_tables",
            [](const py::object& database) {
                const std::shared_ptr<data::Database> held = as_session(database.ptr())->database;
                return std::make_unique<BoundPolicyStore>(access::policy_tables(*held), held);
            },
            py::arg("database"), "The policy in the tables of a database; see `create_policy_tables`.")
        .def_static(
            "from_loader",
            [](py::object loader) {
                return std::make_unique<BoundPolicyStore>(loader_of(std::move(loader)), nullptr);
            },
            py::arg("loader"),
            "What a function gives: JSON text or a dict if it is another policy than before, else None.")
        .def_property_readonly("policy", &BoundPolicyStore::policy,
                               "The policy in force. A request takes it once and asks it all of its "
                               "questions: it lives on after a change.")
        .def_property_readonly(
            "version",
            [](BoundPolicyStore& self) {
                return self.unlocked([](const PolicyStore& store) { return store.version(); });
            },
            "1 at first, one more with each change.")
        .def(
            "replace",
            [](BoundPolicyStore& self, const py::object& document) {
                const PolicyDocument read = policy_document_of(document.ptr());
                return self.unlocked([&](PolicyStore& store) { return store.replace(read); });
            },
            py::arg("document"),
            "Puts a policy in force and gives its version; one that is refused leaves the old one.")
        .def(
            "refresh",
            [](BoundPolicyStore& self) {
                return self.unlocked([](PolicyStore& store) { return store.refresh(); });
            },
            "Looks at the source now; whether there was a change. What is wrong with the source is raised\n"
            "with each call until it is mended, and the policy in force stays.")
        .def("watch", &BoundPolicyStore::watch, py::kw_only(), py::arg("interval_ms") = 1000,
             py::arg("on_change") = py::none(), py::arg("on_error") = py::none(),
             "Refreshes from now on, on a thread of its own. `on_change(policy)` is called after a change,\n"
             "`on_error(error)` after a look that failed.")
        .def(
            "stop_watching",
            [](BoundPolicyStore& self) { self.unlocked([](PolicyStore& store) { store.stop_watching(); }); },
            "Ends the watch, and waits for a callback that runs.");
    py::module_::import("atexit").attr("register")(py::cpp_function(&BoundPolicyStore::end_watches));
}

}  // namespace

access::PolicyStore* policy_store_of(py::handle object) {
    return py::isinstance<BoundPolicyStore>(object) ? &object.cast<BoundPolicyStore&>().store() : nullptr;
}

void bind_policy_store(py::module_& module) {
    bind_store(module);
    module.def(
        "create_policy_tables",
        [](const py::object& database) {
            const std::shared_ptr<data::Database> held = as_session(database.ptr())->database;
            const py::gil_scoped_release release;
            access::create_policy_tables(*held);
        },
        py::arg("database"), "Creates what is missing of the tables that a policy is edited in.");
    module.def(
        "save_policy",
        [](const py::object& session, const py::object& document) {
            const PolicyDocument read = policy_document_of(document.ptr());
            with_transaction(session.ptr(),
                             [&](data::Transaction& transaction) { access::save_policy(transaction, read); });
        },
        py::arg("session"), py::arg("document"),
        "Replaces the policy in the tables, in this transaction; on a database in one of its own. One that\n"
        "makes no policy is refused before anything is changed.");
    module.def(
        "load_policy",
        [](const py::object& session) {
            const std::string json = with_session(session.ptr(), [](const data::Session& used) {
                return access::to_json(access::load_policy(used));
            });
            return py::module_::import("json").attr("loads")(json).cast<py::dict>();
        },
        py::arg("session"), "The policy in the tables, as the dict that `Policy` takes.");
    bind_assignments(module);
}

}  // namespace consilia::bindings
