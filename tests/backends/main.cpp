// Runs the suite over the package that the command line names.
#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "backends/suite.hpp"

int main(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);
    auto& options = consilia::inference::suite_options();
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        const std::size_t equals = std::min(argument.find('='), argument.size());
        const std::string key = argument.substr(0, equals);
        const std::string value = argument.substr(std::min(equals + 1, argument.size()));
        if (key == "--member") {
            options.member = value;
        } else if (key == "--backends") {
            options.search.backend_directories = {value};
        } else if (key == "--device") {
            options.device = value;
        } else if (key == "--cycles") {
            options.cycles = std::max(1, std::atoi(value.c_str()));
        } else {
            options.member.clear();
            break;
        }
    }
    if (options.member.empty() && !::testing::GTEST_FLAG(list_tests)) {
        std::cerr << "usage: backend_suite --member=DIR [--backends=DIR] [--device=cpu] [--cycles=60]\n";
        return 2;
    }
    return RUN_ALL_TESTS();
}
