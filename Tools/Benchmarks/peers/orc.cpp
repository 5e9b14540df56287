// Times what LLVM's ORC needs to add one object and look one of its functions up: LLJIT, one JITDylib for each, as a
// program would that reloads a function. Prints nanoseconds, one line a repetition.
//   orc_bench OBJECT SYMBOL REPETITIONS [jitlink|rtdyld]
#include "llvm/ExecutionEngine/JITLink/JITLink.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace llvm;
using namespace llvm::orc;

static ExitOnError exitOnError("orc_bench: ");

int main(int argc, char **argv) {
    if (argc < 4) {
        std::fprintf(stderr, "usage: orc_bench OBJECT SYMBOL REPETITIONS [jitlink|rtdyld]\n");
        return 2;
    }
    InitializeNativeTarget();
    InitializeNativeTargetAsmPrinter();
    LLJITBuilder builder;
    if (argc > 4 && std::strcmp(argv[4], "jitlink") == 0) {
        JITTargetMachineBuilder machine = exitOnError(JITTargetMachineBuilder::detectHost());
        machine.setRelocationModel(Reloc::PIC_).setCodeModel(CodeModel::Small);
        builder.setJITTargetMachineBuilder(std::move(machine));
        builder.setObjectLinkingLayerCreator([](ExecutionSession &session, const Triple &) {
            return std::make_unique<ObjectLinkingLayer>(
                session, exitOnError(jitlink::InProcessMemoryManager::Create()));
        });
    }
    auto jit = exitOnError(builder.create());
    auto file = exitOnError(errorOrToExpected(MemoryBuffer::getFile(argv[1])));
    int repetitions = std::atoi(argv[3]);
    for (int i = 0; i < repetitions; i++) {
        auto &library = exitOnError(jit->createJITDylib("library" + std::to_string(i)));
        library.addGenerator(exitOnError(
            DynamicLibrarySearchGenerator::GetForCurrentProcess(jit->getDataLayout().getGlobalPrefix())));
        auto copy = MemoryBuffer::getMemBufferCopy(file->getBuffer(), "object" + std::to_string(i));
        auto start = std::chrono::steady_clock::now();
        exitOnError(jit->addObjectFile(library, std::move(copy)));
        auto address = exitOnError(jit->lookup(library, argv[2]));
        auto end = std::chrono::steady_clock::now();
        if (!address)
            return 1;
        std::printf("%lld\n", (long long)std::chrono::duration_cast<std::chrono::nanoseconds>(end - start).count());
    }
    return 0;
}
