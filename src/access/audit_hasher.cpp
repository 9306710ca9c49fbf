#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>

#include "access/audit_line.hpp"
#include "consilia/access/audit_log.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"
#include "core/hex.hpp"

namespace consilia::access {
namespace {

void require_ok(bool is_ok) {
    if (!is_ok) throw core::Internal("hash.unavailable", "HMAC-SHA-256 is not available");
}

struct FreeMac {
    void operator()(EVP_MAC* mac) const noexcept { EVP_MAC_free(mac); }
    void operator()(EVP_MAC_CTX* context) const noexcept { EVP_MAC_CTX_free(context); }
};

}  // namespace

struct AuditHasher::State {
    std::unique_ptr<EVP_MAC_CTX, FreeMac> context;  ///< Holds the key, ready to begin; null: no key.
};

AuditHasher::AuditHasher(std::string_view key) : state_(std::make_unique<State>()) {
    if (key.empty()) return;
    if (key.size() < AuditLog::kKeyBytesMin) {
        throw core::InvalidArgument("audit.options", "the key has fewer than 16 bytes", {{"field", "key"}});
    }
    const std::unique_ptr<EVP_MAC, FreeMac> mac(EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr));
    require_ok(mac != nullptr);
    state_->context.reset(EVP_MAC_CTX_new(mac.get()));
    require_ok(state_->context != nullptr);
    std::array<char, 7> digest{"SHA256"};
    const std::array<OSSL_PARAM, 2> parameters{
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
        OSSL_PARAM_construct_end()};
    require_ok(EVP_MAC_init(state_->context.get(), reinterpret_cast<const unsigned char*>(key.data()),
                            key.size(), parameters.data()) == 1);
}

AuditHasher::AuditHasher(const AuditHasher& other) : state_(std::make_unique<State>()) {
    if (other.state_->context == nullptr) return;
    state_->context.reset(EVP_MAC_CTX_dup(other.state_->context.get()));
    require_ok(state_->context != nullptr);
}

AuditHasher::~AuditHasher() = default;

std::string AuditHasher::operator()(std::string_view text) {
    if (state_->context == nullptr) return core::sha256(text);
    EVP_MAC_CTX* context = state_->context.get();
    std::array<unsigned char, 32> digest{};
    std::size_t size = 0;
    // Without a key, `init` begins anew with the one that it has.
    require_ok(EVP_MAC_init(context, nullptr, 0, nullptr) == 1 &&
               EVP_MAC_update(context, reinterpret_cast<const unsigned char*>(text.data()), text.size()) ==
                   1 &&
               EVP_MAC_final(context, digest.data(), &size, digest.size()) == 1 && size == digest.size());
    return core::hex(std::as_bytes(std::span(digest)));
}

}  // namespace consilia::access
