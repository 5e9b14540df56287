// JITLink in process, without ORC: each object is a graph that is linked on its own, and every undefined symbol gets one
// address. From bytes to finalized memory; giving the memory back is not timed.
#include "harness.h"
#include "llvm/ExecutionEngine/JITLink/JITLink.h"
#include "llvm/ExecutionEngine/JITLink/JITLinkMemoryManager.h"
#include "llvm/Support/MemoryBuffer.h"
using namespace llvm;
using namespace llvm::jitlink;

static uint64_t Unknown;
static std::vector<JITLinkMemoryManager::FinalizedAlloc> Allocations;

struct Context : JITLinkContext {
  JITLinkMemoryManager &Memory;
  explicit Context(JITLinkMemoryManager &Memory) : JITLinkContext(nullptr), Memory(Memory) {}
  JITLinkMemoryManager &getMemoryManager() override { return Memory; }
  void notifyFailed(Error Failure) override { Fail(toString(std::move(Failure))); }
  void lookup(const LookupMap &Names, std::unique_ptr<JITLinkAsyncLookupContinuation> Continuation) override {
    AsyncLookupResult Result;
    for (auto &Name : Names)
      Result[Name.first] = orc::ExecutorSymbolDef(orc::ExecutorAddr(Unknown), JITSymbolFlags::Exported);
    Continuation->run(std::move(Result));
  }
  Error notifyResolved(LinkGraph &) override { return Error::success(); }
  void notifyFinalized(JITLinkMemoryManager::FinalizedAlloc Allocation) override {
    if (Allocation)
      Allocations.push_back(std::move(Allocation));
  }
  Error modifyPassConfig(LinkGraph &, PassConfiguration &) override { return Error::success(); }
};

int main(int, char **Arguments) {
  std::vector<std::unique_ptr<MemoryBuffer>> Objects;
  size_t Refused = 0;
  for (const std::string &Path : ReadLines(Arguments[1])) {
    auto Buffer = MemoryBuffer::getFile(Path, false, false);
    if (!Buffer)
      Fail("cannot read " + Path);
    auto Object = MemoryBuffer::getMemBufferCopy((*Buffer)->getBuffer(), Path);
    if (auto Graph = createLinkGraphFromObject(Object->getMemBufferRef())) {
      Objects.push_back(std::move(Object));
    } else { // it does not know some relocations
      consumeError(Graph.takeError());
      Refused++;
    }
  }
  if (Objects.empty())
    Fail("it refuses all objects");
  Unknown = AnyAddress();
  return Serve([&] {
    auto Memory = cantFail(InProcessMemoryManager::Create());
    double Start = Now();
    for (auto &Object : Objects) {
      auto Graph = createLinkGraphFromObject(Object->getMemBufferRef());
      if (!Graph)
        Fail(toString(Graph.takeError()));
      link(std::move(*Graph), std::make_unique<Context>(*Memory));
    }
    double Elapsed = Now() - Start;
    cantFail(Memory->deallocate(std::move(Allocations)));
    Allocations.clear();
    return Elapsed;
  }, Refused ? "refuses " + std::to_string(Refused) + " of the objects" : "");
}
