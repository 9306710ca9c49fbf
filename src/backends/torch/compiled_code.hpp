#pragma once
// Compiled code of AOTInductor: an archive (.pt2) with a shared object for one version of torch and one
// instruction set.
#include <torch/csrc/inductor/aoti_runtime/interface.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace consilia::torch_backend {

/// Code that is mapped into the process. Threading: safe, its containers are confined.
struct CompiledCode {
    std::vector<std::int64_t> input_shape;  ///< Channels, height and width. The code does not check them.
    std::int32_t precision = 0;             ///< CONSILIA_PRECISION_*; the code was compiled for it.
    std::uint64_t size_bytes = 0;           ///< Of the shared object.

    // Of the shared object: torch/csrc/inductor/aoti_runtime/interface.h. A container is one set of
    // constants.
    decltype(&AOTInductorModelContainerCreateWithDevice) create = nullptr;
    decltype(&AOTInductorModelContainerDelete) destroy = nullptr;
    decltype(&AOTInductorModelContainerRunSingleThreaded) run = nullptr;
    decltype(&AOTInductorModelContainerGetNumInputs) count_inputs = nullptr;
    decltype(&AOTInductorModelContainerGetNumOutputs) count_outputs = nullptr;
    decltype(&AOTInductorModelContainerGetNumConstants) count_constants = nullptr;
    decltype(&AOTInductorModelContainerGetConstantName) constant_name = nullptr;
    decltype(&AOTInductorModelContainerGetConstantOriginalFQN) constant_source_name = nullptr;
    decltype(&AOTInductorModelContainerGetConstantFromFolded) constant_is_folded = nullptr;
    decltype(&AOTInductorModelContainerGetConstantDtype) constant_dtype = nullptr;
    decltype(&AOTInductorModelContainerGetConstantDataSize) constant_size_bytes = nullptr;
    decltype(&AOTInductorModelContainerUpdateUserManagedConstantBufferPairs) set_constants = nullptr;
    decltype(&AOTInductorModelContainerExtractConstantsMapEntries) get_constants = nullptr;
    decltype(&AOTInductorGetLastError) last_error = nullptr;

    /// @throws std::runtime_error with what the code said, if `status` is a failure.
    void check(AOTIRuntimeError status) const;
};

/// The code of an archive, mapped once a process and never unmapped: kernels register with the OpenMP
/// runtime and torch keeps what they took, so that unloading leaks more than it frees. Threading: safe.
///
/// @param directory  where the shared object lies while the loader maps it; its file system must allow that.
/// @throws std::invalid_argument for a damaged archive, or one for another torch or processor.
const CompiledCode& map_compiled_code(const void* archive, std::size_t size,
                                      const std::filesystem::path& directory);

}  // namespace consilia::torch_backend
