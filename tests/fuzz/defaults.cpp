// What every fuzz target asks of the address sanitizer; ASAN_OPTIONS overrides it.
//
// A fake stack and deep stacks of allocations cost a third of the time and matter only in reports:
// ASAN_OPTIONS=malloc_context_size=30:detect_stack_use_after_return=1 brings them back for one input.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
    return "detect_stack_use_after_return=0:malloc_context_size=2:quarantine_size_mb=32:"
           "allocator_may_return_null=0";
}
