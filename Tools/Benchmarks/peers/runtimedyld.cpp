// RuntimeDyld in process, every undefined symbol at one address. Sections come from three areas of one fresh mapping, so
// that what is timed is RuntimeDyld and the page faults, not a memory manager.
//
//   runtimedyld LIST          one instance gets all objects, then resolves once, as MCJIT and llvm-rtdyld do
//   runtimedyld LIST each     one instance for each object, as ORC's RTDyldObjectLinkingLayer does
#include "harness.h"
#include "llvm/ExecutionEngine/RTDyldMemoryManager.h"
#include "llvm/ExecutionEngine/RuntimeDyld.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/MemoryBuffer.h"
using namespace llvm;

static uint64_t Unknown;

struct Resolver : JITSymbolResolver {
  void lookup(const LookupSet &Names, OnResolvedFunction Done) override {
    LookupResult Result;
    for (auto &Name : Names)
      Result[Name] = JITEvaluatedSymbol(Unknown, JITSymbolFlags::Exported);
    Done(std::move(Result));
  }
  Expected<LookupSet> getResponsibilitySet(const LookupSet &Names) override { return Names; }
};

struct Memory : RuntimeDyld::MemoryManager {
  static constexpr size_t Size = size_t(3) << 29; // 512 MiB for code, read-only data, data each: all within 2 GiB
  char *Base, *Start[3], *Free[3];
  Memory() {
    Base = (char *)mmap(nullptr, Size + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (Base == MAP_FAILED)
      Fail("no memory");
    for (int I = 0; I < 3; I++)
      Start[I] = Free[I] = Base + Size / 3 * I;
    Unknown = (uint64_t)(Base + Size);
  }
  ~Memory() { munmap(Base, Size + 4096); }
  uint8_t *Allocate(int Kind, uintptr_t Bytes, unsigned Alignment) {
    char *Place = (char *)alignTo((uintptr_t)Free[Kind], Alignment ? Alignment : 1);
    Free[Kind] = Place + Bytes;
    if (Free[Kind] > Start[Kind] + Size / 3)
      Fail("the mapping is full");
    return (uint8_t *)Place;
  }
  uint8_t *allocateCodeSection(uintptr_t Bytes, unsigned Alignment, unsigned, StringRef) override {
    return Allocate(0, Bytes, Alignment);
  }
  uint8_t *allocateDataSection(uintptr_t Bytes, unsigned Alignment, unsigned, StringRef, bool IsReadOnly) override {
    return Allocate(IsReadOnly ? 1 : 2, Bytes, Alignment);
  }
  TLSSection allocateTLSSection(uintptr_t Bytes, unsigned Alignment, unsigned, StringRef) override {
    TLSSection Section;
    Section.InitializationImage = Allocate(2, Bytes, Alignment);
    Section.Offset = -64;
    return Section;
  }
  void registerEHFrames(uint8_t *, uint64_t, size_t) override {}
  void deregisterEHFrames() override {}
  bool finalizeMemory(std::string *) override {
    mprotect(Start[0], alignTo(Free[0] - Start[0], 4096), PROT_READ | PROT_EXEC);
    mprotect(Start[1], alignTo(Free[1] - Start[1], 4096), PROT_READ);
    return false;
  }
};

static void Check(RuntimeDyld &Linker) {
  if (Linker.hasError())
    Fail(Linker.getErrorString().str());
}

int main(int Count, char **Arguments) {
  bool Each = Count > 2;
  std::vector<std::unique_ptr<MemoryBuffer>> Objects;
  for (const std::string &Path : ReadLines(Arguments[1])) {
    auto Buffer = MemoryBuffer::getFile(Path, false, false);
    if (!Buffer)
      Fail("cannot read " + Path);
    Objects.push_back(MemoryBuffer::getMemBufferCopy((*Buffer)->getBuffer(), Path));
  }
  return Serve([&] {
    double Start = Now();
    Memory Memory;
    Resolver Resolver;
    std::vector<std::unique_ptr<object::ObjectFile>> Files;
    std::vector<std::unique_ptr<RuntimeDyld>> Linkers;
    for (auto &Object : Objects) {
      auto File = object::ObjectFile::createObjectFile(Object->getMemBufferRef());
      if (!File)
        Fail(toString(File.takeError()));
      Files.push_back(std::move(*File));
      if (Each || Linkers.empty())
        Linkers.push_back(std::make_unique<RuntimeDyld>(Memory, Resolver));
      Linkers.back()->loadObject(*Files.back());
      Check(*Linkers.back());
      if (Each) {
        Linkers.back()->resolveRelocations();
        Check(*Linkers.back());
      }
    }
    if (!Each) {
      Linkers.back()->resolveRelocations();
      Check(*Linkers.back());
    }
    Memory.finalizeMemory(nullptr);
    return Now() - Start;
  });
}
