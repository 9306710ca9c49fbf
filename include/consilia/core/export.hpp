#pragma once
// Symbol visibility: everything is hidden unless it is marked as part of the public C++ API.

#define CONSILIA_API __attribute__((visibility("default")))
