// The extension module: errors first, then a submodule for each layer.
#include "bindings.hpp"

PYBIND11_MODULE(_core, module) {
    namespace bindings = consilia::bindings;
    module.doc() = "The C++ library behind the package `consilia`.";
    module.attr("__version__") = CONSILIA_VERSION;
    bindings::bind_core(module);

    const auto bind_layer = [&](const char* name, const char* doc, void (*bind)(pybind11::module_&)) {
        auto layer = module.def_submodule(name, doc);
        bind(layer);
    };
    bind_layer("functions", "Functions of expressions.", &bindings::bind_functions);
    bind_layer("data", "Tables, queries and records.", &bindings::bind_data);
    bind_layer("access", "Who may do what, and who did: policies, principals, the audit log.",
               &bindings::bind_access);
    bind_layer("imaging", "Images: decoding within limits, and pipelines.", &bindings::bind_imaging);
    bind_layer("uploads", "Files that come in: types, checks, scanners, quarantine, quotas.",
               &bindings::bind_uploads);
    bind_layer("dicom", "DICOM: headers, pixels, tags, files without their patients.", &bindings::bind_dicom);
    bind_layer("forms", "What may come in: fields, rules, reports.", &bindings::bind_forms);
    bind_layer("inference", "Ensembles of models within a memory budget.", &bindings::bind_inference);
    bind_layer("screening", "The X-ray screening service.", &bindings::bind_screening);
}
